import { connectionDefaults, type RedisConnectionOptions } from "@ts-micro/redis-connection";
import type { BrokerOptions } from "ts-micro/broker";

export interface RedisBrokerOptions extends BrokerOptions, RedisConnectionOptions {
  /**
   * `streams`: kept until handled, at-least-once delivery, queues. `pubsub`: go-micro's redis broker, which keeps
   * nothing and knows no queues. @default "streams"
   */
  mode?: "streams" | "pubsub";
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
  ...connectionDefaults,
  keyPrefix: "micro:topic:",
  maxLength: 100_000,
  claimAfterMs: 30_000,
  maxPendingMessages: 10_000,
} as const;
