import { type Checksum, type Compression, checkCompression } from "@ts-micro/brpc-wire";
import { badRequest } from "ts-micro";
import type { ClientOptions } from "ts-micro/client";

/** How calls to one address share connections. */
export type ConnectionType = "single" | "pooled" | "short";

export interface BrpcClientOptions extends ClientOptions {
  /**
   * `single`: one connection per address, on which any number of calls are in flight. `pooled`: a call has a
   * connection to itself, which goes back to a pool of `poolSize` for `poolTtlMs`. `short`: each call opens one.
   * Only with the last two does the server learn that a caller gave up. Same as bRPC's `connection_type`.
   * @default "single"
   */
  connectionType?: ConnectionType;
  /** How requests are compressed. The server answers in the same way. @default "none" */
  compression?: Compression;
  /** Add a CRC-32C to requests. The server answers with one. @default "none" */
  checksum?: Checksum;
  /**
   * Longest frame accepted or sent, attachment included, and longest message after decompression, in bytes. Same
   * as bRPC's `-max_body_size`.
   * @default 64 MiB
   */
  maxBodyBytes?: number;
  /**
   * How long a server may stop in the middle of an answer, in milliseconds; then the connection is closed, and
   * what is in flight on it fails.
   * @default 30_000
   */
  stallTimeoutMs?: number;
  /**
   * Time between attempts to reach an address that refused a connection, in milliseconds, once they have grown
   * that far apart; the first is after 100 ms. Calls to it fail at once meanwhile. Same as bRPC's
   * `-health_check_interval`.
   * @default 3_000
   */
  healthCheckIntervalMs?: number;
}

export interface BrpcSettings {
  readonly connectionType: ConnectionType;
  readonly compression: Compression;
  readonly checksum: Checksum;
  readonly maxBodyBytes: number;
  readonly stallTimeoutMs: number;
  readonly healthCheckIntervalMs: number;
}

/** @throws MicroError 400 naming the option and what it may be */
export function brpcSettings(options: BrpcClientOptions): BrpcSettings {
  return {
    connectionType: oneOf("connectionType", options.connectionType ?? "single", [
      "single",
      "pooled",
      "short",
    ]),
    compression: checkCompression("compression", options.compression ?? "none"),
    checksum: oneOf("checksum", options.checksum ?? "none", ["none", "crc32c"]),
    maxBodyBytes: positive("maxBodyBytes", options.maxBodyBytes ?? 64 << 20),
    stallTimeoutMs: positive("stallTimeoutMs", options.stallTimeoutMs ?? 30_000),
    healthCheckIntervalMs: positive("healthCheckIntervalMs", options.healthCheckIntervalMs ?? 3_000),
  };
}

function oneOf<T extends string>(name: string, value: T, values: readonly T[]): T {
  if (values.includes(value)) return value;
  throw badRequest("go.micro.client", `${name} must be one of ${values.join(", ")}, is ${String(value)}`);
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0 && value <= 0x7fff_ffff) return value;
  throw badRequest("go.micro.client", `${name} must be a whole number above 0, is ${String(value)}`);
}
