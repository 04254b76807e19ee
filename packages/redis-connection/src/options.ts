import type { PartOptions } from "ts-micro";
import type { TlsPaths } from "ts-micro/transport";

/** How the plugins on Redis reach it, all of them alike. */
export interface RedisConnectionOptions extends PartOptions, TlsPaths {
  /**
   * One Redis and its replicas, as `host:port`, `redis://user:password@host:port/db` or `rediss://host:port` for TLS.
   * The first one that is no replica is used. @default ["127.0.0.1:6379"]
   */
  addresses?: readonly string[];
  /** For addresses that bring no credentials. A password without a user is that of Redis's `requirepass`. */
  user?: string;
  password?: string;
  /** Number of Redis's database, for addresses that name none. @default 0 */
  redisDatabase?: number;
  /** The name by which `CLIENT LIST` shows our connections. @default "ts-micro" */
  connectionName?: string;
  /** Limit of connecting to one server and of each command, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /** Time between two looks at a server that is not asked anything, in milliseconds. @default 5_000 */
  pingIntervalMs?: number;
  /** Longest wait between two attempts to connect again, in milliseconds. @default 2_000 */
  maxReconnectWaitMs?: number;
}

export const connectionDefaults = {
  address: "127.0.0.1:6379",
  connectionName: "ts-micro",
  timeoutMs: 5_000,
  pingIntervalMs: 5_000,
  maxReconnectWaitMs: 2_000,
} as const;
