import { newConnection, notConnected, type Owner } from "@ts-micro/nats-connection";
import { MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  brokerErrorId,
  cancelled,
  type EventHandler,
  encodeEnvelope,
  type Message,
  messageHeaders,
  newSubscription,
  type PublishOptions,
  planSubscription,
  type SubscribeOptions,
  type Subscription,
  untilAborted,
} from "ts-micro/broker";
import { newCoreEngine } from "./core/engine.ts";
import { newJetStreamEngine } from "./jetstream/engine.ts";
import { checkOptions, type NatsBrokerOptions } from "./options.ts";
import { checkPublishable, checkSubscribable } from "./subject.ts";

/**
 * go-micro's nats broker (`broker/nats` @ v2.9.1 and v6.10.0): the subject is the topic, the payload a JSON envelope. A
 * topic to subscribe to may have NATS's wildcards. While no server is connected, `publish` rejects with 503
 * `not-connected`, and nothing is kept for later. Subscriptions come back with the connection.
 *
 * On core NATS, delivery is at most once: `publish` resolves when the server has read the message, and what is published
 * while a subscription is away passes it by. With `jetstream` it is at least once: `publish` resolves when the message is
 * in a stream, from which it goes away when every subscription and every queue has handled it.
 *
 * @throws MicroError 400 for an address or option that makes no sense
 */
export function newBroker(options: NatsBrokerOptions = {}): Broker {
  checkOptions(options);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "nats",
  });
  const owner: Owner = { kind: "broker", errorId: brokerErrorId, logger };
  const connection = newConnection(options, owner);
  const newEngine = options.jetstream === true ? newJetStreamEngine : newCoreEngine;
  const engine = newEngine({ connection, options, logger });
  const subscriptions = new Set<Subscription>();
  const publishing = new Set<Promise<void>>();
  const subscribing = new Set<Promise<Subscription>>();
  let disconnecting: Promise<void> | undefined;

  const broker: Broker = {
    name: "nats",
    supports: engine.supports,

    get address() {
      return connection.server;
    },

    async connect(): Promise<void> {
      await disconnecting;
      await connection.open();
      await engine.check(connection.session()).catch(async (thrown: unknown) => {
        await connection.close();
        throw thrown;
      });
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
    checkPublishable(topic);
    if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
    const session = connection.session();
    // go-micro's publishers set it; their servers look for subscribers by it.
    const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
    if (payload.length > session.maxPayload) throw tooLarge(topic, payload.length, session.maxPayload);
    await untilAborted(engine.publish(session, topic, payload, message), `publishing on "${topic}"`, signal);
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    subscribeOptions: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, subscribeOptions);
    checkSubscribable(topic, plan.queue);
    if (plan.deadLetter !== undefined) checkPublishable(plan.deadLetter);
    if (disconnecting !== undefined) throw notConnected(owner);
    const receiving = await engine.subscribe({ broker, topic, handler, plan, logger });
    const end = async (): Promise<void> => {
      await receiving.end();
      subscriptions.delete(subscription);
    };
    const subscription = newSubscription(topic, subscribeOptions, end, logger);
    subscriptions.add(subscription);
    return subscription;
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

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the message has ${size} bytes with its envelope, the server takes ${limit} (its max_payload)`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}
