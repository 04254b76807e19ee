import type { PublishOptions } from "../broker/broker.ts";
import type { Codecs, MessageType } from "../codec/codec.ts";
import type { Context } from "../context.ts";
import type { MicroError } from "../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { PartOptions } from "../parts.ts";
import type { Node } from "../registry/registry.ts";
import type { Filter, Strategy } from "../selector/selector.ts";
import type { Shape } from "../shape.ts";
import type { ClientWire } from "./client-over.ts";

/**
 * Calls other services by name, and publishes.
 */
export interface Client extends AsyncDisposable {
  /** The word users write after `--client=`. */
  readonly name: string;
  /**
   * One request, one answer. Resolves with the decoded body.
   * @throws MicroError with the handler's id, code and detail; or one of this process with a `reason`.
   */
  call<Response = unknown, Request = unknown>(request: CallRequest<Request, Response>): Promise<Response>;
  /**
   * Resolves once the stream is open. Retries happen only before that.
   * @throws MicroError as `call` does.
   */
  stream<Response = unknown, Request = unknown>(
    request: StreamRequest<Request, Response>,
  ): Promise<ClientStream<Request, Response>>;
  /**
   * Encodes `body` by its content type and hands it to the broker, connecting that on first use.
   * Resolves and throws as the broker's `publish` does.
   */
  publish(topic: string, body: unknown, options?: ClientPublishOptions): Promise<void>;
  /** Ends streams and closes connections; calls in flight fail with 503 `closed`. Idempotent. */
  close(): Promise<void>;
}

export interface CallOptions {
  /** Sent beside the body. Keys are case-insensitive. */
  metadata?: Metadata;
  /**
   * The context of the handler that makes this call: its deadline, cancellation and the metadata that is
   * meant to travel on (`Micro-*` trace and namespace, `X-Request-Id`, `Traceparent`...) are inherited.
   */
  context?: Context;
  /** Cancels the call: it rejects with 499 `cancelled`, and the handler's own signal aborts. */
  signal?: AbortSignal;
  /**
   * Limit of the whole call, retries included, in milliseconds. Same as `--client_request_timeout`.
   * The remaining part of it is sent to the server as its deadline.
   * @default 5_000
   */
  timeoutMs?: number;
  /**
   * How often a failed attempt is repeated, at most. A request that can't have left this process is tried on each
   * further node besides, unless this is 0. Same as `--client_retries`.
   * @default 1
   */
  retries?: number;
  /**
   * Running the handler twice does no harm: a call whose connection broke may be repeated. Without it only a
   * request that never left, or was answered with 503, is.
   * @default false
   */
  idempotent?: boolean;
  /** Call these `host:port`s and ask no registry. The attempts go through them in turn. */
  addresses?: readonly string[];
  filters?: readonly Filter[];
  strategy?: Strategy;
  /** @default the client's */
  contentType?: string;
  /** Decides instead of the default rule whether an attempt is repeated. */
  retry?: RetryFunction;
  backoff?: BackoffFunction;
}

/** What a call and a stream have in common. */
interface Target<Request, Response> extends CallOptions {
  /** Name in the registry. */
  service: string;
  /** `Type.Method`. */
  endpoint: string;
  /** Protobuf package of the type, for protocols that name a service in full: gRPC, bRPC. @default none */
  package?: string;
  /** Handed to the codec with each body; protobuf schemas rely on it. */
  requestType?: MessageType<Request>;
  responseType?: MessageType<Response>;
}

export interface CallRequest<Request = unknown, Response = unknown> extends Target<Request, Response> {
  body?: Request;
}

/** `timeoutMs` limits the whole stream; a stream has no limit by default, as in go-micro. */
export interface StreamRequest<Request = unknown, Response = unknown> extends Target<Request, Response> {
  /**
   * One answer at most is expected, after the end of the requests. A hint, for protocols of which some servers
   * don't send the end of the answers (mucp). @default false
   */
  oneAnswer?: boolean;
}

/**
 * Both directions of an open stream. Iterating gives the answers; it ends when the handler has ended and
 * throws what the handler threw. Leaving the loop early cancels the stream.
 */
export interface ClientStream<Request = unknown, Response = unknown>
  extends AsyncIterable<Response>,
    AsyncDisposable {
  /**
   * Resolves when more may be sent: awaiting it is the back-pressure.
   * @throws MicroError 503 `closed` after `end` or `close`.
   */
  send(body: Request): Promise<void>;
  /** No more requests will follow; answers may. Idempotent. */
  end(): Promise<void>;
  /** Ends the stream at once in both directions; the handler's signal aborts. Idempotent. */
  close(): Promise<void>;
}

export interface ClientPublishOptions extends PublishOptions {
  metadata?: Metadata;
  /** As for a call: metadata that is meant to travel on is inherited. */
  context?: Context;
  /** @default the client's */
  contentType?: string;
  type?: MessageType;
  /** Publish on this topic of the broker, while `Micro-Topic` keeps the message's own. */
  exchange?: string;
}

/** Wraps the whole client: calls, streams and publishing. */
export type ClientWrapper = (client: Client) => Client;

/** Wraps each attempt of a call, after its node was chosen. */
export type CallWrapper = (next: CallFunction) => CallFunction;

export type CallFunction = (attempt: Attempt) => Promise<unknown>;

export interface Attempt {
  readonly node: Node;
  readonly request: CallRequest;
  /** Headers that will be sent; a wrapper may add to them. */
  readonly metadata: Metadata;
  /** 0 for the first. */
  readonly number: number;
  /** Milliseconds this attempt may take. */
  readonly remainingMs: number;
}

export type RetryFunction = (failed: {
  request: CallRequest;
  /** 0 after the first attempt. */
  number: number;
  error: MicroError;
  /** The request can't have reached a handler. */
  neverLeft: boolean;
}) => boolean | PromiseLike<boolean>;

/** Milliseconds to wait before attempt `number`, counted from 1 for the first retry. */
export type BackoffFunction = (number: number) => number;

export interface ClientOptions extends PartOptions {
  /** @default "application/json", as go-micro v6 */
  contentType?: string;
  /** Added to the built-in ones, which they replace where the content type is the same. */
  codecs?: Codecs;
  /** @default 5_000 milliseconds. Same as `--client_request_timeout`. */
  requestTimeoutMs?: number;
  /** Limit for establishing one connection, in milliseconds. @default 5_000 */
  dialTimeoutMs?: number;
  /** @default 1. Same as `--client_retries`. */
  retries?: number;
  retry?: RetryFunction;
  backoff?: BackoffFunction;
  /** Idle connections kept per address. Same as `--client_pool_size`. @default 100 */
  poolSize?: number;
  /** Age at which an idle connection is no longer used, in milliseconds. Same as `--client_pool_ttl`. @default 60_000 */
  poolTtlMs?: number;
  wrapCall?: readonly CallWrapper[];
  /**
   * Further protocols: a node that doesn't speak the client's own is called by the first of these that it speaks.
   * @default none; a service adds those of its plugins when no client was chosen
   */
  wires?: readonly ClientWire[];
  /** Metadata keys, or prefixes ending in `*`, that a nested call inherits beside the built-in ones. */
  forwardMetadata?: readonly string[];
}

export const clientShape: Shape<Client> = {
  name: "string",
  call: "promise",
  stream: "promise",
  publish: "promise",
  close: "promise",
  [Symbol.asyncDispose]: "promise",
};
