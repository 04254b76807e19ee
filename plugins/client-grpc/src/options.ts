import { badRequest } from "ts-micro";
import type { ClientOptions } from "ts-micro/client";

export interface GrpcClientOptions extends ClientOptions {
  /** Longest answer that is taken, in bytes. Longer ones fail the call. @default 4 MiB, as go-micro */
  maxReceiveMessageBytes?: number;
  /** Longest request message that is sent, in bytes. @default 4 MiB, as go-micro */
  maxSendMessageBytes?: number;
  /** How requests are written; `grpcOptions` decides for one call. Answers are read either way. @default "identity" */
  compression?: "identity" | "gzip";
  /**
   * Time between pings that find a dead connection nobody has asked anything of, in milliseconds; 0 for none.
   *
   * A connection is pinged in any case when a call on it has timed out and nothing has arrived since it was sent.
   * Go's servers end connections that ping more often than every five minutes, unless told otherwise.
   * @default 0
   */
  pingIntervalMs?: number;
  /** Silence after a ping that means the connection is dead, in milliseconds. @default 5_000 */
  pingTimeoutMs?: number;
}

export type GrpcSettings = Required<
  Pick<
    GrpcClientOptions,
    "maxReceiveMessageBytes" | "maxSendMessageBytes" | "compression" | "pingIntervalMs" | "pingTimeoutMs"
  >
>;

/** @throws MicroError 400 naming the option and what it may be */
export function grpcSettings(options: GrpcClientOptions): GrpcSettings {
  const fourMebibytes = 4 * 1024 * 1024;
  const compression = options.compression ?? "identity";
  if (compression !== "identity" && compression !== "gzip") {
    throw badRequest(
      "go.micro.client",
      `compression must be "identity" or "gzip", is ${String(compression)}`,
    );
  }
  return {
    maxReceiveMessageBytes: within(
      "maxReceiveMessageBytes",
      options.maxReceiveMessageBytes ?? fourMebibytes,
      1,
    ),
    maxSendMessageBytes: within("maxSendMessageBytes", options.maxSendMessageBytes ?? fourMebibytes, 1),
    compression,
    pingIntervalMs: within("pingIntervalMs", options.pingIntervalMs ?? 0, 0),
    pingTimeoutMs: within("pingTimeoutMs", options.pingTimeoutMs ?? 5_000, 1),
  };
}

/** Up to what a message's length and Node's timers can be. */
function within(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= 0x7fff_ffff) return value;
  throw badRequest(
    "go.micro.client",
    `${name} must be a whole number from ${least} to 2147483647, is ${String(value)}`,
  );
}
