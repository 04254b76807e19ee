import type { NatsConnectionOptions } from "@ts-micro/nats-connection";
import { badRequest } from "ts-micro";
import { type BrokerOptions, brokerErrorId } from "ts-micro/broker";

export interface NatsBrokerOptions extends BrokerOptions, NatsConnectionOptions {
  /**
   * Core NATS only: how many messages may wait at one subscription for a handler, and how many bytes. Further ones are
   * dropped, and the log says how many. @default 65_536 messages and 64 MiB, as Go's client
   */
  maxPendingMessages?: number;
  maxPendingBytes?: number;
  /** Deliver at least once, by JetStream: the server keeps messages until a handler is done with them. @default false */
  jetstream?: boolean;
  /** The options below are JetStream's. How many servers of a cluster have each stream that is made. @default 1 */
  streamReplicas?: number;
  /**
   * How many messages that nobody has handled a stream may have; publishing is refused beyond. Counted, not weighed: a
   * server sets the bytes of a limit aside when a stream is made. @default 1_000_000
   */
  streamMaxMessages?: number;
  /** How long the server keeps a message that nobody handles, in milliseconds. @default 604_800_000, seven days */
  streamMaxAgeMs?: number;
  /**
   * A message that this process has not said to be busy with for so long goes to somebody else, in milliseconds. It
   * says so three times as often, however long a handler takes. @default 30_000
   */
  ackWaitMs?: number;
  /**
   * How often a message is delivered when the processes that had it never said what became of it; then it has failed,
   * as if its handler had thrown for the last time. @default 10
   */
  maxDeliveries?: number;
  /**
   * How long the server goes on keeping messages for a subscription without a queue whose process is away, in
   * milliseconds. Those of a queue are kept until it is deleted. @default 300_000
   */
  awayMs?: number;
}

export const defaults = {
  maxPendingMessages: 65_536,
  maxPendingBytes: 64 * 1024 * 1024,
  streamReplicas: 1,
  streamMaxMessages: 1_000_000,
  streamMaxAgeMs: 7 * 24 * 3_600_000,
  ackWaitMs: 30_000,
  maxDeliveries: 10,
  awayMs: 300_000,
} as const;

/** @throws MicroError 400 naming the option that makes no sense */
export function checkOptions(options: NatsBrokerOptions): void {
  for (const [name, least] of [
    ["streamReplicas", 1],
    ["streamMaxMessages", 1],
    // What the server's own duplicate window needs, and a beat that a busy process can keep.
    ["streamMaxAgeMs", 1_000],
    ["ackWaitMs", 300],
    ["maxDeliveries", 1],
    ["awayMs", 1_000],
  ] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least)) {
      throw badRequest(
        brokerErrorId,
        `broker nats: ${name} must be a whole number from ${least}, is ${value}`,
      );
    }
  }
}
