import { badRequest } from "ts-micro";
import type { ServerOptions } from "ts-micro/server";

export interface BrpcServerOptions extends ServerOptions {
  /**
   * Longest frame accepted, attachment included, and longest message after decompression, in bytes. A caller
   * that sends more loses its connection; a longer answer is an error. Same as bRPC's `-max_body_size`.
   * @default 64 MiB
   */
  maxBodyBytes?: number;
  /**
   * How long a caller may stop in the middle of a frame, in milliseconds; then its connection is closed. Between
   * frames it may be silent for ever.
   * @default 30_000
   */
  stallTimeoutMs?: number;
  /** Calls in flight on one connection, from which on it is not read. @default 1_000 */
  maxInFlight?: number;
}

export interface BrpcSettings {
  readonly maxBodyBytes: number;
  readonly stallTimeoutMs: number;
  readonly maxInFlight: number;
}

/** @throws MicroError 400 naming the option and what it may be */
export function brpcSettings(options: BrpcServerOptions): BrpcSettings {
  return {
    maxBodyBytes: positive("maxBodyBytes", options.maxBodyBytes ?? 64 << 20),
    stallTimeoutMs: positive("stallTimeoutMs", options.stallTimeoutMs ?? 30_000),
    maxInFlight: positive("maxInFlight", options.maxInFlight ?? 1_000),
  };
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0 && value <= 0x7fff_ffff) return value;
  throw badRequest(
    "go.micro.server",
    `${name} must be a whole number from 1 to 2147483647, is ${String(value)}`,
  );
}
