import type { NatsConnectionOptions } from "@ts-micro/nats-connection";
import type { TransportOptions } from "ts-micro/transport";

export interface NatsTransportOptions extends TransportOptions, NatsConnectionOptions {
  /**
   * How long a connection of go-micro's, which says nothing when it ends, is kept without a message, in milliseconds.
   * @default 60_000, as go-micro
   */
  idleMs?: number;
}

export const defaults = { maxMessageBytes: 4 * 1024 * 1024, idleMs: 60_000 } as const;

export const transportErrorId = "go.micro.transport";
