import type { Event, Subscription } from "../broker/broker.ts";
import { messageHeaders } from "../broker/broker.ts";
import type { Codecs, MessageType } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { CallContext, type ContextFields } from "../context.ts";
import { badRequest, errorText, internalServerError, MicroError } from "../errors.ts";
import { getMetadata, type Metadata } from "../metadata.ts";
import type { Parts } from "../parts.ts";
import { isPromiseLike } from "../promise-like.ts";
import type { Endpoint } from "../registry/registry.ts";
import { didYouMean, kindOf } from "../shape.ts";
import type { Message } from "../transport/transport.ts";
import type { ServerSettings } from "./options.ts";
import { wrap } from "./router.ts";
import type { Subscriber, SubscriberContext, SubscriberFunction, SubscriberOptions } from "./server.ts";
import { textOf } from "./thrown.ts";

/**
 * The subscribers of one server. Each has a broker subscription of its own, whose messages go to it alone
 * and whose acknowledgement is its own outcome (go-micro gives each message to all of them, once per
 * subscription).
 */
export interface Subscriptions {
  /**
   * While open, the subscription is made at once and its failure is logged.
   * @throws MicroError 400 when topic or function is missing.
   */
  add(subscriber: Subscriber): void;
  /** Connects the broker and subscribes, if there is any subscriber. On failure nothing stays subscribed. */
  open(): Promise<void>;
  /** Ends all subscriptions. Resolves when no subscriber runs any more. Idempotent. */
  close(): Promise<void>;
  /** Aborts the signals of the subscribers that still run. */
  abort(reason: MicroError): void;
  /**
   * Gives a message that came another way than through the broker to all subscribers of its topic.
   * @throws MicroError 500 with the texts of those that failed, in go-micro's form.
   */
  dispatch(topic: string, message: Message, fields?: ContextFields): Promise<void>;
  /** For the registry: without the internal ones, in go-micro's order. */
  endpoints(): Endpoint[];
}

export interface SubscriptionsOptions {
  settings: ServerSettings;
  parts: Pick<Parts, "broker">;
}

interface Entry {
  readonly subscriber: Subscriber;
  readonly run: SubscriberFunction;
  opening: Promise<Subscription> | undefined;
}

export function newSubscriptions({ settings, parts }: SubscriptionsOptions): Subscriptions {
  const { logger, codecs, wrapSubscriber } = settings;
  const entries: Entry[] = [];
  const running = new Set<CallContext>();
  let open = false;

  return {
    add(subscriber) {
      check(subscriber);
      const run: SubscriberFunction = wrap(wrapSubscriber, (body, context) => subscriber.run(body, context));
      const entry: Entry = { subscriber, run, opening: undefined };
      entries.push(entry);
      if (!open) return;
      entry.opening = subscribe(entry);
      entry.opening.catch((thrown) => {
        logger.error(`subscribing failed, the subscriber gets nothing: ${textOf(thrown)}`, {
          topic: subscriber.topic,
        });
      });
    },

    async open() {
      open = true;
      // All are waited for, so that none is made after a failure was cleaned up.
      const results = await Promise.allSettled(entries.map((entry) => (entry.opening ??= subscribe(entry))));
      const failed = results.find((result) => result.status === "rejected");
      if (failed === undefined) return;
      await this.close();
      throw failed.reason;
    },

    async close() {
      open = false;
      const closing = entries.map(async (entry) => {
        // Whoever opened it has heard of a failure.
        const subscription = await entry.opening?.catch(() => undefined);
        entry.opening = undefined;
        try {
          await subscription?.unsubscribe();
        } catch (thrown) {
          logger.error(`unsubscribing failed: ${textOf(thrown)}`, { topic: entry.subscriber.topic });
        }
      });
      await Promise.all(closing);
    },

    abort(reason) {
      for (const context of running) context.cancel(reason);
    },

    async dispatch(topic, message, fields) {
      const failures: string[] = [];
      const wanted = entries.filter(({ subscriber }) => subscriber.topic === topic);
      if (wanted.length === 0) logger.warn("an event came for which there is no subscriber", { topic });
      for (const entry of wanted) {
        const event = unacknowledged(topic, message);
        try {
          await deliver(entry, event, fields);
          if (event.rejected !== undefined) failures.push(failureText(event.rejected));
        } catch (thrown) {
          failures.push(failureText(thrown));
        }
      }
      if (failures.length === 0) return;
      throw internalServerError("go.micro.server", `subscriber error: ${failures.join("\n")}`);
    },

    endpoints() {
      return entries
        .map(({ subscriber }) => subscriber)
        .filter(({ options }) => options.internal !== true)
        .sort((a, b) => (a.topic < b.topic ? 1 : a.topic > b.topic ? -1 : 0))
        .map(
          ({ topic }): Endpoint => ({
            name: "Func",
            request: null,
            response: null,
            metadata: { topic, subscriber: "true" },
          }),
        );
    },
  };

  async function subscribe(entry: Entry): Promise<Subscription> {
    const { topic, options } = entry.subscriber;
    const { internal: _internal, type: _type, ...forBroker } = options;
    const { broker } = parts;
    await broker.connect();
    return broker.subscribe(topic, (event) => deliver(entry, event), forBroker);
  }

  /**
   * A promise only when the subscriber gives one.
   * @throws what can't be decoded, and what the subscriber throws: to the broker both are failed deliveries
   */
  function deliver(entry: Entry, event: Event, fields?: ContextFields): void | Promise<void> {
    const value = bodyOf(event, codecs, entry.subscriber.options.type);
    const context = new DeliveryContext(event, fields);
    let work: void | PromiseLike<void>;
    try {
      work = entry.run(value, context);
    } catch (thrown) {
      context.finish();
      throw asError(thrown);
    }
    if (isPromiseLike(work)) return finished(work, context);
    context.finish();
  }

  async function finished(work: PromiseLike<void>, context: DeliveryContext): Promise<void> {
    running.add(context);
    try {
      await work;
    } catch (thrown) {
      throw asError(thrown);
    } finally {
      running.delete(context);
      context.finish();
    }
  }
}

/** @throws MicroError as the codec does */
function bodyOf(event: Event, codecs: Codecs, type: MessageType | undefined): unknown {
  const { text } = event;
  const contentType = text?.contentType ?? getMetadata(event.message.header, messageHeaders.contentType);
  const codec = codecFor(contentType || "application/protobuf", codecs);
  if (text !== undefined && codec.decodeText !== undefined) return codec.decodeText(text.body, "event", type);
  return codec.decode(event.message.body, "event", type).value;
}

/** Brokers print and forward what they get; not every thrown value survives that. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(textOf(thrown), { cause: thrown });
}

class DeliveryContext extends CallContext implements SubscriberContext {
  readonly topic: string;
  readonly attempt: number;
  readonly #event: Event;

  constructor(event: Event, fields?: ContextFields) {
    super(fields);
    this.topic = event.topic;
    this.attempt = event.attempt;
    this.#event = event;
  }

  override get metadata(): Metadata {
    return this.#event.message.header;
  }

  ack(): Promise<void> {
    return this.#event.ack();
  }

  nack(reason?: unknown): Promise<void> {
    return this.#event.nack(reason);
  }
}

/** An event that no broker waits for. What `nack` was given becomes the answer to the sender. */
function unacknowledged(topic: string, message: Message): Event & { rejected: unknown } {
  return {
    topic,
    message,
    attempt: 1,
    rejected: undefined,
    async ack() {},
    async nack(reason) {
      this.rejected = reason ?? "not acknowledged";
    },
  };
}

function failureText(thrown: unknown): string {
  return MicroError.is(thrown) ? errorText(thrown) : textOf(thrown);
}

function check(subscriber: Subscriber): void {
  const { topic, run, options } = subscriber;
  if (typeof topic !== "string" || topic === "") {
    throw badRequest("go.micro.server", 'a subscriber has no topic. Give it one, such as "user.created"');
  }
  if (typeof run !== "function") {
    throw badRequest(
      "go.micro.server",
      `the subscriber of ${topic} is ${kindOf(run)}. Give a function (body, context) => …`,
    );
  }
  // One that is misspelt would change who gets the messages, or whether they come again.
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(optionNames, name));
  if (unknown !== undefined) {
    const known = Object.keys(optionNames);
    const near = didYouMean(unknown, known);
    const cure = near === undefined ? `There are ${known.join(", ")}` : `Did you mean ${near}?`;
    throw badRequest("go.micro.server", `the subscriber of ${topic} has no option ${unknown}. ${cure}`);
  }
}

const optionNames: { readonly [Name in keyof Required<SubscriberOptions>]: true } = {
  queue: true,
  ack: true,
  maxInFlight: true,
  retry: true,
  deadLetter: true,
  signal: true,
  internal: true,
  type: true,
};
