import type { Metadata } from "../metadata.ts";
import type { PartOptions } from "../parts.ts";
import type { Shape } from "../shape.ts";
import type { Message } from "../transport/transport.ts";
import type { TextMessage } from "./text-message.ts";

/**
 * Moves messages between services that don't know each other.
 *
 * What an implementation guarantees stands in `supports`; what it can't do is refused at `subscribe`.
 */
export interface Broker extends AsyncDisposable {
  /** The word users write after `--broker=`. */
  readonly name: string;
  /** Where this broker is reachable, or the engine it is connected to; empty while disconnected. */
  readonly address: string;
  readonly supports: BrokerSupports;
  /** Resolves once publishing is possible. Calling it again while connected does nothing. */
  connect(): Promise<void>;
  /** Finishes what handlers have in hand, ends subscriptions, then closes. Twice is once. */
  disconnect(): Promise<void>;
  /**
   * Resolves when the message is where `supports` promises it. Publishing to nobody succeeds.
   * @throws MicroError 503 `not-connected` while disconnected. A publish is never queued silently.
   */
  publish(topic: string, message: Message, options?: PublishOptions): Promise<void>;
  /**
   * As `publish`, of a message that nobody has made bytes of. Clients prefer it where it is there. What wraps a broker and wants to
   * see all that is published has none; `{ ...broker, publish }` takes none over from ours.
   */
  publishText?(topic: string, message: TextMessage): Promise<void>;
  /**
   * Resolves once messages published from then on arrive. Each message is handled once per subscription,
   * or once per queue.
   * @throws MicroError 501 `not-supported` naming the option, when `supports` doesn't cover it.
   * @throws MicroError 503 `not-connected` while disconnected.
   */
  subscribe(topic: string, handler: EventHandler, options?: SubscribeOptions): Promise<Subscription>;
}

export interface BrokerSupports {
  /** A message that no handler acknowledged is kept by the broker: `ack: "manual"` may be asked for. */
  readonly ack: boolean;
  /** Subscriptions with the same `queue` share the messages. */
  readonly queue: boolean;
  /** Messages of one publisher on one topic arrive in their order at a subscription with `maxInFlight: 1`. */
  readonly order: boolean;
  /** A message whose handler failed comes again even when this process died: at-least-once delivery. */
  readonly redelivery: boolean;
}

/** A delivered message. */
export interface Event {
  readonly topic: string;
  readonly message: Message;
  /**
   * The same in parts, where it came as text: who decodes it needs no bytes. Not there any more when somebody has looked at
   * `message`, who may have changed that.
   */
  readonly text?: TextMessage | undefined;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** The message is done. Only with `ack: "manual"`; otherwise, and the second time, it does nothing. */
  ack(): Promise<void>;
  /** Gives the message back, to be retried by the subscription's policy. Only with `ack: "manual"`. */
  nack(reason?: unknown): Promise<void>;
}

/** A handler that throws (or rejects) has failed; what follows is the subscription's `retry` and `deadLetter`. */
export type EventHandler = (event: Event) => void | Promise<void>;

export interface SubscribeOptions {
  /** Subscriptions with the same queue, in any process, get each message once together. */
  queue?: string;
  /**
   * `auto`: done when the handler has ended well. `manual`: done when the handler called `event.ack()`.
   * @default "auto"
   */
  ack?: "auto" | "manual";
  /** How many messages the handler is given before it has finished one. @default 64 */
  maxInFlight?: number;
  /** What happens after a failed handler. @default no retry: the failure is logged and the message dropped */
  retry?: RetryPolicy;
  /**
   * Topic that gets a message when its retries are used up, with `Micro-Error`, `Micro-Error-Stack`,
   * `Micro-Attempts` and `Micro-Dead-Topic` headers.
   */
  deadLetter?: string;
  /** Ends the subscription as `unsubscribe` does. */
  signal?: AbortSignal;
}

export interface RetryPolicy {
  /** How often the handler is tried again after its first failure. Deliveries that ended with a process count. */
  retries: number;
  /** Wait before the first retry, in milliseconds; doubled for each further one, with jitter. @default 100 */
  backoffMs?: number;
  /** Longest wait, in milliseconds. @default 30_000 */
  maxBackoffMs?: number;
}

export interface Subscription extends AsyncDisposable {
  readonly topic: string;
  readonly options: Readonly<SubscribeOptions>;
  /**
   * Resolves when no handler of this subscription runs any more and none will start. So a handler that
   * ends its own subscription must not await it. Twice is once.
   */
  unsubscribe(): Promise<void>;
}

export interface PublishOptions {
  signal?: AbortSignal;
}

export interface BrokerOptions extends PartOptions {
  /** Where an embedded broker listens. @default "127.0.0.1:0", as go-micro's http broker */
  listen?: string;
}

/** The header names that every broker understands. */
export const messageHeaders = {
  topic: "Micro-Topic",
  id: "Micro-Id",
  contentType: "Content-Type",
  error: "Micro-Error",
  attempts: "Micro-Attempts",
  /** On a dead letter: the stack of the last failure, and the topic that the message came from. */
  errorStack: "Micro-Error-Stack",
  deadTopic: "Micro-Dead-Topic",
} as const;

export type { Message, Metadata };

export const brokerShape: Shape<Broker> = {
  name: "string",
  address: "string",
  supports: "value",
  connect: "promise",
  disconnect: "promise",
  publish: "promise",
  publishText: "promise?",
  subscribe: "promise",
  [Symbol.asyncDispose]: "promise",
};
