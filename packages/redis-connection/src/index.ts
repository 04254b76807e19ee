export { type Connection, newConnection } from "./connection.ts";
export { redisFlags } from "./flags.ts";
export { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
export { isNoPrimary, isRefusal, refusedAs, textOf } from "./refusal.ts";
export { parseServerAddress, type ServerAddress } from "./server-address.ts";
export type { Reply, Session } from "./session.ts";
