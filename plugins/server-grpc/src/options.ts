import { badRequest } from "ts-micro";
import type { ServerOptions } from "ts-micro/server";
import type { OwnServiceOptions } from "./own-services.ts";

export interface GrpcServerOptions extends ServerOptions, OwnServiceOptions {
  /** Longest request message that is taken, in bytes. Longer ones are answered with status 8. @default 4 MiB, as go-micro */
  maxReceiveMessageBytes?: number;
  /** Longest answer that is sent, in bytes. Longer ones become status 8. @default 4 MiB, as go-micro */
  maxSendMessageBytes?: number;
  /** How answers are written to callers that read it; `grpcCall(context).compress` decides for one. @default "identity" */
  compression?: "identity" | "gzip";
  /**
   * Calls that one connection may have in flight. Callers keep further ones back, or open another connection.
   * @default 1_000; grpc-go has no limit, and what a connection may make us hold is a multiple of it
   */
  maxConcurrentStreams?: number;
  /**
   * Time between looks at the connections, in milliseconds. One that nothing has arrived on since the last look gets a
   * ping, and is closed when the next look finds it unanswered: its client is gone, or breaks HTTP/2.
   * @default 30_000; grpc-go waits two hours
   */
  pingIntervalMs?: number;
}

export type GrpcSettings = Required<
  Pick<
    GrpcServerOptions,
    | "maxReceiveMessageBytes"
    | "maxSendMessageBytes"
    | "compression"
    | "maxConcurrentStreams"
    | "health"
    | "reflection"
    | "pingIntervalMs"
  >
>;

/** @throws MicroError 400 naming the option and what it may be */
export function grpcSettings(options: GrpcServerOptions): GrpcSettings {
  const fourMebibytes = 4 * 1024 * 1024;
  const compression = options.compression ?? "identity";
  if (compression !== "identity" && compression !== "gzip") {
    throw badRequest(
      "go.micro.server",
      `compression must be "identity" or "gzip", is ${String(compression)}`,
    );
  }
  return {
    maxReceiveMessageBytes: count("maxReceiveMessageBytes", options.maxReceiveMessageBytes ?? fourMebibytes),
    maxSendMessageBytes: count("maxSendMessageBytes", options.maxSendMessageBytes ?? fourMebibytes),
    maxConcurrentStreams: count("maxConcurrentStreams", options.maxConcurrentStreams ?? 1_000),
    pingIntervalMs: count("pingIntervalMs", options.pingIntervalMs ?? 30_000),
    compression,
    health: options.health ?? true,
    reflection: options.reflection ?? true,
  };
}

function count(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0 && value <= 0x7fff_ffff) return value;
  throw badRequest(
    "go.micro.server",
    `${name} must be a whole number from 1 to 2147483647, is ${String(value)}`,
  );
}
