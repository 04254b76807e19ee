import { readFileSync } from "node:fs";
import type { ClientConfig } from "pg";
import { badRequest, type TlsOptions } from "ts-micro";
import { type StoreOptions, storeId } from "ts-micro/store";
import { clientTls } from "ts-micro/transport";
import { parseServerAddress, type ServerAddress } from "./server-address.ts";

export interface PostgresStoreOptions extends StoreOptions {
  /**
   * The servers of which one is the primary: `host`, `host:port` or `postgres://user:password@host:port/database`.
   * They are tried in this order; standbys are passed over. @default ["127.0.0.1:5432"]
   */
  addresses?: readonly string[];
  /** For servers whose address brings none, like the two below. @default "postgres" */
  user?: string;
  password?: string;
  /** PostgreSQL's database, which the store's `database` and `table` are in. @default the name of the user */
  postgresDatabase?: string;
  /** Paths of PEM files, for what `tls` takes as text, read once when the store is made; each of them means TLS. */
  tlsCaFile?: string;
  tlsCertFile?: string;
  tlsKeyFile?: string;
  /** Most connections at once. What needs one more waits for it. @default 10 */
  poolSize?: number;
  /** Limit of one operation, however many servers are tried, in milliseconds. @default 5_000 */
  timeoutMs?: number;
}

export interface Server {
  /** `host:port` */
  readonly hostPort: string;
  readonly config: ClientConfig;
}

export interface Settings {
  readonly servers: readonly Server[];
  readonly poolSize: number;
  readonly timeoutMs: number;
}

/** @throws MicroError 400 naming the address, the option or the file, never a password. */
export function settingsOf(options: PostgresStoreOptions): Settings {
  const { addresses = [], poolSize = 10, timeoutMs = 5_000 } = options;
  if (!(Number.isInteger(poolSize) && poolSize > 0)) {
    throw badRequest(storeId, `poolSize must be a whole number from 1 on, is ${poolSize}`);
  }
  if (!(timeoutMs > 0)) throw badRequest(storeId, `timeoutMs must be a number above 0, is ${timeoutMs}`);
  const tls = tlsOf(options);
  const servers = (addresses.length === 0 ? ["127.0.0.1"] : addresses)
    .map(parseServerAddress)
    .map((address) => ({ hostPort: address.hostPort, config: configOf(address, options, tls) }));
  return { servers, poolSize, timeoutMs };
}

/** The library reads variables of its own where something is left out; the password is the only one left to it. */
function configOf(
  server: ServerAddress,
  options: PostgresStoreOptions,
  tls: TlsOptions | undefined,
): ClientConfig {
  const { user = "postgres", password, postgresDatabase = user } = { ...options, ...server };
  const isSecure = server.secure ?? tls !== undefined;
  return {
    host: server.host,
    port: server.port,
    user,
    database: postgresDatabase,
    ...(password !== undefined && { password }),
    ssl: isSecure ? clientTls(tls ?? {}, server.host) : false,
    application_name: "ts-micro",
    keepAlive: true,
  };
}

function tlsOf(options: PostgresStoreOptions): TlsOptions | undefined {
  const { secure, tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  const files = {
    ...(tlsCaFile !== undefined && { ca: read(tlsCaFile, "tlsCaFile") }),
    ...(tlsCertFile !== undefined && { cert: read(tlsCertFile, "tlsCertFile") }),
    ...(tlsKeyFile !== undefined && { key: read(tlsKeyFile, "tlsKeyFile") }),
  };
  if (Object.keys(files).length === 0) return options.tls ?? (secure === true ? {} : undefined);
  return { ...options.tls, ...files };
}

function read(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(storeId, `store postgres: ${option} can't be read: ${why}`, { cause });
  }
}
