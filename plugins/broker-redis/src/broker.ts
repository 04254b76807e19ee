import { isNoPrimary, newConnection, refusedAs, textOf } from "@ts-micro/redis-connection";
import { badRequest, type MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  brokerErrorId,
  cancelled,
  checkTopic,
  decodeEnvelope,
  type EventHandler,
  encodeEnvelope,
  type Message,
  messageHeaders,
  newSubscription,
  notConnected,
  type PublishOptions,
  planSubscription,
  type SubscribeOptions,
  type Subscription,
  untilAborted,
} from "ts-micro/broker";
import { longestIdleMs } from "./group.ts";
import { defaults, type RedisBrokerOptions } from "./options.ts";
import { newPubSub } from "./pubsub.ts";
import { newStreams } from "./streams.ts";

/** One of the two ways in which Redis carries messages. */
export interface Mode {
  readonly supports: Broker["supports"];
  /** The command that publishes. */
  publishCommand(topic: string, payload: Buffer): (string | Buffer)[];
  /** Resolves when messages arrive, with what ends it: that resolves when no handler runs any more. */
  subscribe(request: SubscribeRequest): Promise<() => Promise<void>>;
}

export interface SubscribeRequest {
  broker: Broker;
  topic: string;
  handler: EventHandler;
  plan: ReturnType<typeof planSubscription>;
  /** `undefined`, and a line in the log, for what is no go-micro message. */
  read(payload: Buffer): Message | undefined;
}

/**
 * Redis as a broker. By default a topic is a stream and a queue a consumer group of it, with at-least-once delivery;
 * with `mode: "pubsub"` it is go-micro's redis broker (`broker/redis` of go-plugins v2), at most once. The payload is
 * go-micro's JSON envelope in both.
 *
 * `publish` resolves when the server has the message; while no server is connected it rejects with 503
 * `not-connected`, and nothing is kept for later. Subscriptions come back with the connection.
 */
export function newBroker(options: RedisBrokerOptions = {}): Broker {
  checkOptions(options);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "redis",
  });
  const connection = newConnection(options, { kind: "broker", errorId: brokerErrorId, logger });
  const newMode = options.mode === "pubsub" ? newPubSub : newStreams;
  const mode = newMode({ connection, options, logger });
  const subscriptions = new Set<Subscription>();
  const publishing = new Set<Promise<void>>();
  const subscribing = new Set<Promise<Subscription>>();
  let disconnecting: Promise<void> | undefined;

  const broker: Broker = {
    name: "redis",
    supports: mode.supports,

    get address() {
      return connection.server;
    },

    async connect(): Promise<void> {
      await disconnecting;
      await connection.open();
    },

    disconnect(): Promise<void> {
      disconnecting ??= disconnect().finally(() => {
        disconnecting = undefined;
      });
      return disconnecting;
    },

    publish(topic: string, message: Message, { signal }: PublishOptions = {}): Promise<void> {
      return track(publishing, publish(topic, message, signal));
    },

    subscribe(
      topic: string,
      handler: EventHandler,
      subscribeOptions: SubscribeOptions = {},
    ): Promise<Subscription> {
      return track(subscribing, subscribe(topic, handler, subscribeOptions));
    },

    [Symbol.asyncDispose]: () => broker.disconnect(),
  };
  return broker;

  async function publish(topic: string, message: Message, signal: AbortSignal | undefined): Promise<void> {
    checkTopic(topic);
    if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
    const session = connection.session();
    // go-micro's publishers set it; their servers look for subscribers by it.
    const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
    try {
      const published = session.command(mode.publishCommand(topic, payload));
      await untilAborted(published, `publishing on "${topic}"`, signal);
    } catch (thrown) {
      if (isNoPrimary(thrown)) session.end("it is a replica now");
      throw refusedAs(thrown, `publish on "${topic}"`, session.address.hostPort, brokerErrorId);
    }
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    subscribeOptions: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, subscribeOptions);
    if (disconnecting !== undefined) throw notConnected("redis");
    const { address } = connection.session();
    try {
      const read = (payload: Buffer): Message | undefined => readMessage(topic, payload);
      const end = await mode.subscribe({ broker, topic, handler, plan, read });
      const subscription = newSubscription(
        topic,
        subscribeOptions,
        async () => {
          await end();
          subscriptions.delete(subscription);
        },
        logger,
      );
      subscriptions.add(subscription);
      return subscription;
    } catch (thrown) {
      throw refusedAs(thrown, `subscribe to "${topic}"`, address.hostPort, brokerErrorId);
    }
  }

  function readMessage(topic: string, payload: Buffer): Message | undefined {
    try {
      const message = decodeEnvelope(payload);
      message.header[messageHeaders.topic] ??= topic;
      return message;
    } catch (thrown) {
      logger.error(`message on "${topic}" dropped, it is no go-micro message: ${textOf(thrown)}`);
      return undefined;
    }
  }

  /** Handlers that still run may publish, so the connection is closed last. */
  async function disconnect(): Promise<void> {
    await Promise.allSettled(subscribing);
    await Promise.all([...subscriptions].map((subscription) => subscription.unsubscribe()));
    await Promise.allSettled(publishing);
    await connection.close();
  }
}

function track<Result>(set: Set<Promise<Result>>, work: Promise<Result>): Promise<Result> {
  set.add(work);
  const done = (): void => void set.delete(work);
  work.then(done, done);
  return work;
}

/** @throws MicroError 400 that names the option */
function checkOptions({ mode = "streams", ...options }: RedisBrokerOptions): void {
  if (mode !== "streams" && mode !== "pubsub") throw meaningless("mode", mode, '"streams" or "pubsub"');
  const { claimAfterMs = defaults.claimAfterMs, maxLength = defaults.maxLength } = options;
  if (!(claimAfterMs >= 100 && claimAfterMs <= longestIdleMs)) {
    throw meaningless("claimAfterMs", claimAfterMs, `milliseconds from 100 to ${longestIdleMs}`);
  }
  if (!(Number.isSafeInteger(maxLength) && maxLength >= 1)) {
    throw meaningless("maxLength", maxLength, "a whole number from 1");
  }
}

function meaningless(option: string, value: unknown, wanted: string): MicroError {
  return badRequest(
    brokerErrorId,
    `broker redis: ${option} must be ${wanted}, is ${JSON.stringify(value) ?? value}`,
  );
}
