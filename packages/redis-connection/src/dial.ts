import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { createClient, RESP_TYPES } from "@redis/client";
import type { TlsOptions } from "ts-micro";
import { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

export type RedisClient = Awaited<ReturnType<typeof dial>>;

/**
 * A client for one connection to one server, not connected yet. The library's own reconnection is off: what was
 * asked on a connection that is lost has to be decided by whoever asked.
 */
export async function dial(server: ServerAddress, options: RedisConnectionOptions) {
  const { user, password, redisDatabase: database } = { ...options, ...server };
  const tls = await tlsOf(server, options);
  return createClient({
    RESP: 2,
    socket: {
      host: server.host,
      port: server.port,
      reconnectStrategy: false,
      connectTimeout: options.timeoutMs ?? connectionDefaults.timeoutMs,
      ...tls,
    },
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    name: options.connectionName ?? connectionDefaults.connectionName,
    disableOfflineQueue: true,
    // What only newer servers and Redis's own product know.
    disableClientInfo: true,
    maintNotifications: "disabled",
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
}

async function tlsOf(server: ServerAddress, options: RedisConnectionOptions) {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = options;
  const files: TlsOptions = {
    ...(tlsCaFile !== undefined && { ca: await readFile(tlsCaFile) }),
    ...(tlsCertFile !== undefined && { cert: await readFile(tlsCertFile) }),
    ...(tlsKeyFile !== undefined && { key: await readFile(tlsKeyFile) }),
  };
  const given = options.tls !== undefined || options.secure === true || Object.keys(files).length > 0;
  if (!given && !server.secure) return undefined;
  const { serverName, insecureSkipVerify, ca, cert, key } = { ...options.tls, ...files };
  const name = serverName ?? server.host;
  return {
    tls: true as const,
    // An IP address may not be sent as a server name (RFC 6066 §3).
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: insecureSkipVerify !== true,
  };
}
