import { newConnection, notConnected, type Owner } from "@ts-micro/nats-connection";
import { badRequest, MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  brokerErrorId,
  cancelled,
  checkTopic,
  decodeEnvelope,
  type EventHandler,
  encodeEnvelope,
  type Incoming,
  type Message,
  messageHeaders,
  newDelivery,
  newSubscription,
  type PublishOptions,
  planSubscription,
  type SubscribeOptions,
  type Subscription,
  untilAborted,
} from "ts-micro/broker";
import { type Arrived, newBacklog } from "./backlog.ts";
import { defaults, type NatsBrokerOptions } from "./options.ts";

/**
 * go-micro's nats broker (`broker/nats` @ v2.9.1 and v6.10.0): core NATS, where the subject is the topic, the payload
 * a JSON envelope and a queue a queue group. A topic to subscribe to may have NATS's wildcards.
 *
 * Delivery is at most once. `publish` resolves when the server has read the message; while no server is connected it
 * rejects with 503 `not-connected`, and nothing is kept for later. Subscriptions come back with the connection; what
 * is published before that passes them by.
 */
export function newBroker(options: NatsBrokerOptions = {}): Broker {
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "nats",
  });
  const owner: Owner = { kind: "broker", errorId: brokerErrorId, logger };
  const connection = newConnection(options, owner);
  const subscriptions = new Set<Subscription>();
  const publishing = new Set<Promise<void>>();
  const subscribing = new Set<Promise<Subscription>>();
  let disconnecting: Promise<void> | undefined;

  const broker: Broker = {
    name: "nats",
    supports: { ack: false, queue: true, order: true, redelivery: false },

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
    checkSubject(topic, "publish on");
    if (/(^|\.)[*>](\.|$)/.test(topic)) throw malformed(topic, "publish on", "wildcards are for subscribing");
    if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
    const session = connection.session();
    // go-micro's publishers set it; their servers look for subscribers by it.
    const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
    if (payload.length > session.maxPayload) throw tooLarge(topic, payload.length, session.maxPayload);
    await untilAborted(session.publish(topic, payload), `publishing on "${topic}"`, signal);
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    subscribeOptions: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, subscribeOptions);
    checkSubject(topic, "subscribe to");
    if (/\s/.test(plan.queue ?? ""))
      throw malformed(topic, "subscribe to", `queue "${plan.queue}" has blanks`);
    if (disconnecting !== undefined) throw notConnected(owner);
    const delivery = newDelivery({ broker, topic, handler, plan, logger });
    const { maxPendingMessages = defaults.maxPendingMessages, maxPendingBytes = defaults.maxPendingBytes } =
      options;
    const limits = `${maxPendingMessages} messages or ${maxPendingBytes} bytes`;
    const backlog = newBacklog({
      delivery,
      maxMessages: maxPendingMessages,
      maxBytes: maxPendingBytes,
      read,
      onDropping: () => logger.error(`"${topic}" is handled too slowly: ${limits} wait, dropping what comes`),
      onDropped: (count) => logger.error(`"${topic}" was handled too slowly: ${count} messages were dropped`),
    });
    const listening = await connection.listen({
      subject: topic,
      queue: plan.queue,
      onMessage: ({ subject, data }) => backlog.add({ subject, payload: data }),
    });
    const subscription = newSubscription(topic, subscribeOptions, end, logger);
    subscriptions.add(subscription);
    return subscription;

    /** The server has counted what it sent as delivered: all of that is handled. */
    async function end(): Promise<void> {
      await listening.end();
      backlog.flush();
      await delivery.stop();
      subscriptions.delete(subscription);
    }
  }

  function read({ subject, payload }: Arrived): Incoming | undefined {
    try {
      const message = decodeEnvelope(Buffer.from(payload));
      message.header[messageHeaders.topic] ??= subject;
      return { message, topic: subject };
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      logger.error(`message on "${subject}" dropped, it is no go-micro message: ${why}`);
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

/** What the server would refuse, or understand as two words. */
function checkSubject(topic: string, what: string): void {
  checkTopic(topic);
  if (/[\s\0]/.test(topic)) throw malformed(topic, what, "NATS allows no blanks");
  if (topic.split(".").includes("")) throw malformed(topic, what, "NATS allows no empty part between dots");
}

function malformed(topic: string, what: string, why: string): MicroError {
  return badRequest(brokerErrorId, `can't ${what} "${topic}": ${why}`);
}

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the message has ${size} bytes with its envelope, the server takes ${limit} (its max_payload)`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}
