import type { BrokerSupports } from "./broker.ts";

/**
 * What the built-in brokers can do, in one place, so that a refusal can name one that could.
 *
 * `memory` keeps what is not acknowledged, but not beyond its process. `http` hands a message to the
 * subscriber's process and forgets it; publishes that overlap travel on connections of their own.
 */
export const builtInSupports = {
  memory: { ack: true, queue: true, order: true, redelivery: false },
  http: { ack: false, queue: true, order: false, redelivery: false },
} as const satisfies Readonly<Record<string, BrokerSupports>>;
