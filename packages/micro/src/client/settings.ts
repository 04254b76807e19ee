import type { Codecs } from "../codec/codec.ts";
import { defaultCodecs } from "../codec/codecs.ts";
import { badRequest } from "../errors.ts";
import type { BackoffFunction, CallWrapper, ClientOptions, RetryFunction } from "./client.ts";
import { defaultBackoff, defaultRetry } from "./retry.ts";

/** The options of a client with every default filled in. */
export interface ClientSettings {
  readonly contentType: string;
  readonly codecs: Codecs;
  readonly requestTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly retries: number;
  readonly retry: RetryFunction;
  readonly backoff: BackoffFunction;
  readonly poolSize: number;
  readonly poolTtlMs: number;
  readonly wrapCall: readonly CallWrapper[];
  readonly forwardMetadata: readonly string[];
}

/** @throws MicroError 400 naming the option and what it may be. */
export function clientSettings(options: ClientOptions): ClientSettings {
  return {
    contentType: options.contentType ?? "application/json",
    codecs: options.codecs === undefined ? defaultCodecs : { ...defaultCodecs, ...options.codecs },
    requestTimeoutMs: positive("requestTimeoutMs", options.requestTimeoutMs ?? 5_000),
    dialTimeoutMs: positive("dialTimeoutMs", options.dialTimeoutMs ?? 5_000),
    retries: count("retries", options.retries ?? 1),
    retry: options.retry ?? defaultRetry,
    backoff: options.backoff ?? defaultBackoff,
    poolSize: count("poolSize", options.poolSize ?? 100),
    poolTtlMs: positive("poolTtlMs", options.poolTtlMs ?? 60_000),
    wrapCall: options.wrapCall ?? [],
    forwardMetadata: options.forwardMetadata ?? [],
  };
}

const clientId = "go.micro.client";

/** @throws MicroError 400 unless `value` is a number of milliseconds above 0; `Infinity` is one. */
export function positive(name: string, value: number): number {
  if (typeof value === "number" && value > 0) return value;
  throw badRequest(clientId, `${name} must be a number of milliseconds above 0, is ${String(value)}`);
}

/** @throws MicroError 400 unless `value` is a whole number from 0 on. */
export function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw badRequest(clientId, `${name} must be a whole number from 0 on, is ${String(value)}`);
}
