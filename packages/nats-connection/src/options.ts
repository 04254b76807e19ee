import type { PartOptions } from "ts-micro";
import type { TlsPaths } from "ts-micro/transport";

/** How the plugins on NATS reach it, all of them alike. */
export interface NatsConnectionOptions extends PartOptions, TlsPaths {
  /**
   * The servers, as `host:port`, `nats://user:password@host:port`, `nats://token@host:port` or `tls://host:port`. One
   * of them is chosen at random; the others are tried when it can't be reached. @default ["127.0.0.1:4222"]
   */
  addresses?: readonly string[];
  /** For servers whose address brings no credentials, like the four below. */
  user?: string;
  password?: string;
  token?: string;
  /** Path of a `.creds` file with a JWT and its seed. It is read anew for each connection. */
  credsFile?: string;
  /** Path of a file with an NKEY seed. It is read anew for each connection. */
  nkeyFile?: string;
  /** The name by which the server's own pages show this connection. @default "ts-micro" */
  connectionName?: string;
  /** Limit of connecting to one server, and of one operation on it, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /** Time between pings, in milliseconds: a server that is silent is given up after at most three. @default 5_000 */
  pingIntervalMs?: number;
  /** Longest wait between two attempts to connect again, in milliseconds. @default 2_000 */
  maxReconnectWaitMs?: number;
}

export const connectionDefaults = {
  address: "127.0.0.1:4222",
  connectionName: "ts-micro",
  timeoutMs: 5_000,
  pingIntervalMs: 5_000,
  maxReconnectWaitMs: 2_000,
} as const;
