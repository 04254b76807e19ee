import type { BrokerOptions } from "ts-micro/broker";

export interface RedisBrokerOptions extends BrokerOptions {
  /**
   * One Redis and its replicas, as `host:port`, `redis://user:password@host:port/db` or `rediss://host:port` for TLS.
   * The first one that is no replica is used. @default ["127.0.0.1:6379"]
   */
  addresses?: readonly string[];
  /**
   * `streams`: kept until handled, at-least-once delivery, queues. `pubsub`: go-micro's redis broker, which keeps
   * nothing and knows no queues. @default "streams"
   */
  mode?: "streams" | "pubsub";
  /** For addresses that bring no credentials. A password without a user is that of Redis's `requirepass`. */
  user?: string;
  password?: string;
  /** Number of the database, for addresses that name none; `pubsub` ignores it, as Redis does. @default 0 */
  database?: number;
  /** Paths of PEM files, for what `tls` takes as text. They are read anew for each connection. */
  tlsCaFile?: string;
  tlsCertFile?: string;
  tlsKeyFile?: string;
  /** The name by which `CLIENT LIST` shows our connections. @default "ts-micro" */
  connectionName?: string;
  /** Limit of connecting to one server and of each command, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /** Time between two looks at a server that is not asked anything, in milliseconds. @default 5_000 */
  pingIntervalMs?: number;
  /** Longest wait between two attempts to connect again, in milliseconds. @default 2_000 */
  maxReconnectWaitMs?: number;
  /** What a stream's key begins with, before the topic. @default "micro:topic:" */
  keyPrefix?: string;
  /**
   * How many messages a topic keeps, handled or not: about so many, and never fewer. The oldest ones go.
   * @default 100_000
   */
  maxLength?: number;
  /**
   * How long the member of a queue that has a message may be silent before another one gets it, in milliseconds, up
   * to a day. A living member reports three times as often. @default 30_000
   */
  claimAfterMs?: number;
  /** `pubsub`: how many messages may wait at one subscription; further ones are dropped and logged. @default 10_000 */
  maxPendingMessages?: number;
}

export const defaults = {
  address: "127.0.0.1:6379",
  connectionName: "ts-micro",
  timeoutMs: 5_000,
  pingIntervalMs: 5_000,
  maxReconnectWaitMs: 2_000,
  keyPrefix: "micro:topic:",
  maxLength: 100_000,
  claimAfterMs: 30_000,
  maxPendingMessages: 10_000,
} as const;
