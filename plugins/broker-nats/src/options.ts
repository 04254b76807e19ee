import type { NatsConnectionOptions } from "@ts-micro/nats-connection";
import type { BrokerOptions } from "ts-micro/broker";

export interface NatsBrokerOptions extends BrokerOptions, NatsConnectionOptions {
  /**
   * How many messages may wait at one subscription for a handler, and how many bytes. Further ones are dropped, and
   * the log says how many. @default 65_536 messages and 64 MiB, as Go's client
   */
  maxPendingMessages?: number;
  maxPendingBytes?: number;
}

export const defaults = {
  maxPendingMessages: 65_536,
  maxPendingBytes: 64 * 1024 * 1024,
} as const;
