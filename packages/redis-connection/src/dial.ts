import { createClient, RESP_TYPES } from "@redis/client";
import { clientTls, readTls, wantsTls } from "ts-micro/transport";
import { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";

export type RedisClient = Awaited<ReturnType<typeof dial>>;

/**
 * A client for one connection to one server, not connected yet. The library's own reconnection is off: what was
 * asked on a connection that is lost has to be decided by whoever asked.
 */
export async function dial(server: ServerAddress, options: RedisConnectionOptions) {
  const { user, password, redisDatabase: database } = { ...options, ...server };
  const secure = server.secure || wantsTls(options);
  return createClient({
    RESP: 2,
    socket: {
      host: server.host,
      port: server.port,
      reconnectStrategy: false,
      connectTimeout: options.timeoutMs ?? connectionDefaults.timeoutMs,
      ...(secure && { tls: true as const, ...clientTls(await readTls(options), server.host) }),
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
