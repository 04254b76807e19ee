import type { SubscribeOptions } from "../broker/broker.ts";
import type { Codecs, MessageType } from "../codec/codec.ts";
import type { Context } from "../context.ts";
import type { PartOptions } from "../parts.ts";
import type { Value } from "../registry/registry.ts";
import type { ServiceSchema } from "../schema/schema.ts";
import type { Shape } from "../shape.ts";
import type { Protocol } from "../transport/transport.ts";
import type { Wire } from "./wire.ts";

/**
 * Serves the handlers and subscribers of one service, and keeps its node in the registry.
 */
export interface Server extends AsyncDisposable {
  /** The word users write after `--server=`. */
  readonly name: string;
  /** The real `host:port` while started, the configured one otherwise. */
  readonly address: string;
  /** True while started, registered and not draining. */
  readonly ready: boolean;
  /**
   * Adds a handler, also while running: its endpoints are registered at once.
   * @throws MicroError 409 when a handler of that name is there, 400 when the name or a method is invalid.
   */
  handle(handler: Handler): void;
  /**
   * Adds a subscriber. What the broker can't do is an error of `start`; while running it is logged.
   * @throws MicroError 400 when topic or function is missing.
   */
  subscribe(subscriber: Subscriber): void;
  /** Listens, subscribes, registers. Resolves when calls are answered. Started already: does nothing. */
  start(): Promise<void>;
  /**
   * Drains: deregisters, goes on serving for `drain.propagationMs`, stops listening, closes what has nothing
   * in flight, waits for the rest up to `drain.budgetMs`, then closes by force. Calling it again while
   * stopping gives the same promise; stopped already: does nothing.
   */
  stop(): Promise<void>;
}

/** A named set of endpoints: `Greeter` with `Hello` is `Greeter.Hello`. Made by `newHandler`. */
export interface Handler {
  readonly name: string;
  readonly endpoints: readonly EndpointHandler[];
  /** Callable, but not in the registry. */
  readonly internal: boolean;
  /** What the handler was made from, for protocols that name a service in full or describe it to callers. */
  readonly schema?: ServiceSchema;
  /**
   * Resolves when the handler can be served, rejects when it never can. Servers wait for it: before they start,
   * or until they serve a handler that is added later. Absent: at once.
   */
  readonly ready?: Promise<void>;
}

export interface EndpointHandler {
  /** `Type.Method`. */
  readonly name: string;
  readonly run: UnaryHandler | StreamHandler;
  readonly streaming: boolean;
  readonly requestType?: MessageType;
  readonly responseType?: MessageType;
  /** The shapes of request and answer, for the registry. */
  readonly request?: Value;
  readonly response?: Value;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The result is the answer. A MicroError that is thrown reaches the caller whole, anything else as 500. */
export type UnaryHandler<Request = unknown, Response = unknown> = (
  request: Request,
  context: Context,
) => Response | PromiseLike<Response>;

/** Ends the stream by returning. `requests` ends when the caller sends no more. */
export type StreamHandler<Request = unknown, Response = unknown> = (
  requests: AsyncIterable<Request>,
  context: Context,
) => AsyncIterable<Response>;

export interface HandlerOptions {
  /** Callable, but not in the registry. @default false */
  internal?: boolean;
  /** By method: what is registered with its endpoint, and how its bodies are encoded. */
  endpoints?: Readonly<Record<string, EndpointOptions>>;
}

export interface EndpointOptions {
  metadata?: Readonly<Record<string, string>>;
  requestType?: MessageType;
  responseType?: MessageType;
}

export interface Subscriber {
  readonly topic: string;
  readonly run: SubscriberHandler;
  readonly options: SubscriberOptions;
}

/** `body` is decoded by the message's content type; `context.metadata` holds the message's headers. */
export type SubscriberHandler<Body = unknown> = (
  body: Body,
  context: SubscriberContext,
) => void | PromiseLike<void>;

export interface SubscriberContext extends Context {
  readonly topic: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** With `ack: "manual"`: the message is done. Otherwise, and the second time, it does nothing. */
  ack(): Promise<void>;
  /** With `ack: "manual"`: gives the message back, to be retried by the subscription's policy. */
  nack(reason?: unknown): Promise<void>;
}

/** The broker's options, and how the body is decoded. */
export interface SubscriberOptions extends SubscribeOptions {
  /** Not listed among the service's endpoints. @default false */
  internal?: boolean;
  type?: MessageType;
}

/** Wraps every call of a handler; the first of a list is the outermost. */
export type HandlerWrapper = (next: HandlerFunction) => HandlerFunction;

/** For a streaming endpoint `request.body` is the async iterable of requests and the result one of answers. */
export type HandlerFunction = (request: ServerRequest, context: Context) => unknown;

export interface ServerRequest {
  /** The name the caller used. */
  readonly service: string;
  readonly endpoint: string;
  readonly contentType: string;
  readonly streaming: boolean;
  readonly body: unknown;
}

/** Wraps every delivery to a subscriber; the first of a list is the outermost. */
export type SubscriberWrapper = (next: SubscriberFunction) => SubscriberFunction;

export type SubscriberFunction = (body: unknown, context: SubscriberContext) => void | PromiseLike<void>;

export interface ServerOptions extends PartOptions {
  /** Name in the registry. Same as `--server_name`. @default "go.micro.server" */
  name?: string;
  /** Second half of the node id. Same as `--server_id`. @default a UUID per server */
  id?: string;
  /** Same as `--server_version`. @default "latest" */
  version?: string;
  /** `host:port`, `:0` for any port, or `host:min-max`. Same as `--server_address`. @default ":0" */
  address?: string;
  /** `host:port` (or a host) to register instead of the one listened on. Same as `--server_advertise`. */
  advertise?: string;
  /** Registered with the node. Same as `--server_metadata`. */
  metadata?: Readonly<Record<string, string>>;
  /** How long the registry keeps the node without hearing from it, in milliseconds. Same as `--register_ttl`. @default 90_000 */
  registerTtlMs?: number;
  /** Time between registrations, in milliseconds; 0 for only one. Same as `--register_interval`. @default 30_000 */
  registerIntervalMs?: number;
  /** Throws while the service should not be called. The node is then taken out of the registry until it passes again. */
  registerCheck?: () => void | PromiseLike<void>;
  drain?: DrainOptions;
  codecs?: Codecs;
  wrapHandler?: readonly HandlerWrapper[];
  wrapSubscriber?: readonly SubscriberWrapper[];
  /** Further protocols on the same port, which look after themselves. */
  protocols?: readonly Protocol[];
  /**
   * Further protocols on the same port that serve the same handlers.
   * @default none; a service adds those of its plugins when no server was chosen
   */
  wires?: readonly Wire[];
}

export interface DrainOptions {
  /** Time for clients to learn that the node left the registry, in milliseconds. @default 1_000 */
  propagationMs?: number;
  /** Time for calls in flight to end after that, in milliseconds. @default 10_000 */
  budgetMs?: number;
}

export const serverShape: Shape<Server> = {
  name: "string",
  address: "string",
  ready: "value",
  handle: "method",
  subscribe: "method",
  start: "promise",
  stop: "promise",
  [Symbol.asyncDispose]: "promise",
};
