import { randomUUID } from "node:crypto";
import type { IPublishPacket } from "mqtt-packet";
import { badRequest, type MicroError, newLogger } from "ts-micro";
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
  notConnected,
  type PublishOptions,
  planSubscription,
  type SubscribeOptions,
  type Subscription,
  untilAborted,
} from "ts-micro/broker";
import { newConnection } from "./connection.ts";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import { newPublisher } from "./publisher.ts";
import { parseServerAddress } from "./server-address.ts";
import { openSession } from "./session.ts";
import { openSubscriber } from "./subscriber.ts";

/**
 * MQTT as go-micro's mqtt plugin uses it (go-plugins' `broker/mqtt` @ v2.9.1): the topic is MQTT's, the payload
 * go-micro's JSON envelope, QoS 1. A queue is a shared subscription of MQTT 5. A topic to subscribe to may have
 * MQTT's wildcards.
 *
 * A message is acknowledged to the server when its handler is done. While no server is connected `publish` rejects
 * with 503 `not-connected`, and nothing is kept for later.
 */
export function newBroker(options: MqttBrokerOptions = {}): Broker {
  const {
    addresses = [],
    protocolVersion = defaults.protocolVersion,
    qos = defaults.qos,
    clientId,
  } = options;
  if (![4, 5].includes(protocolVersion)) throw unknown("protocolVersion", "4 or 5", protocolVersion);
  if (![0, 1, 2].includes(qos)) throw unknown("qos", "0, 1 or 2", qos);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "mqtt",
  });
  const secure = options.secure === true || options.tls !== undefined || options.tlsCaFile !== undefined;
  const servers = (addresses.length === 0 ? [defaults.address] : addresses).map((address) =>
    parseServerAddress(address, secure),
  );
  const publisherId = clientId ?? `ts-micro-${randomUUID()}`;
  const connection = newConnection(servers, options, logger, (server) =>
    openSession(server, options, {
      clientId: publisherId,
      clean: true,
      sessionExpirySeconds: 0,
      onPublish() {},
      onRelease() {},
    }),
  );
  const publisher = newPublisher(connection, options);
  const subscriptions = new Set<Subscription>();
  const publishing = new Set<Promise<void>>();
  const subscribing = new Set<Promise<Subscription>>();
  let disconnecting: Promise<void> | undefined;

  const broker: Broker = {
    name: "mqtt",
    supports: {
      ack: false,
      queue: protocolVersion === 5,
      order: true,
      redelivery: qos > 0 && clientId !== undefined,
    },

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
    checkName(topic, "publish on");
    if (/[+#]/.test(topic)) throw malformed(topic, "publish on", "wildcards are for subscribing");
    if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
    connection.session();
    // go-micro's publishers set it; their servers look for subscribers by it.
    const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
    await untilAborted(publisher.publish(topic, payload), `publishing on "${topic}"`, signal);
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    subscribeOptions: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, subscribeOptions);
    checkName(topic, "subscribe to");
    if (/[+#/\0]/.test(plan.queue ?? ""))
      throw malformed(topic, "subscribe to", `queue "${plan.queue}" has one of + # /`);
    if (disconnecting !== undefined) throw notConnected("mqtt");
    connection.session();
    const delivery = newDelivery({ broker, topic, handler, plan, logger });
    const subscriber = await openSubscriber(
      servers,
      {
        clientId:
          clientId === undefined ? `ts-micro-${randomUUID()}` : `${clientId}:${plan.queue ?? ""}:${topic}`,
        filter: plan.queue === undefined ? topic : `$share/${plan.queue}/${topic}`,
        shared: plan.queue !== undefined,
        maxInFlight: plan.maxInFlight,
        delivery,
        read,
      },
      options,
      logger,
    );
    const subscription = newSubscription(topic, subscribeOptions, end, logger);
    subscriptions.add(subscription);
    return subscription;

    async function end(): Promise<void> {
      await subscriber.end();
      subscriptions.delete(subscription);
    }
  }

  function read({ topic, payload }: IPublishPacket): Incoming | undefined {
    try {
      const message = decodeEnvelope(Buffer.from(payload));
      message.header[messageHeaders.topic] ??= topic;
      return { message, topic };
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      logger.error(`message on "${topic}" dropped, it is no go-micro message: ${why}`);
      return undefined;
    }
  }

  /** Handlers that still run may publish, so the publisher is closed last. */
  async function disconnect(): Promise<void> {
    await Promise.allSettled(subscribing);
    await Promise.all([...subscriptions].map((subscription) => subscription.unsubscribe()));
    await Promise.allSettled(publishing);
    await connection.close(true);
  }
}

function track<Result>(set: Set<Promise<Result>>, work: Promise<Result>): Promise<Result> {
  set.add(work);
  const done = (): void => void set.delete(work);
  work.then(done, done);
  return work;
}

function checkName(topic: string, what: string): void {
  checkTopic(topic);
  if (topic.includes("\0")) throw malformed(topic, what, "MQTT allows no null character");
  if (topic.startsWith("$share/")) throw malformed(topic, what, "give the option `queue` instead");
  if (Buffer.byteLength(topic) > 65_000)
    throw malformed(topic, what, "MQTT's topics have at most 65,535 bytes");
}

function malformed(topic: string, what: string, why: string): MicroError {
  return badRequest(brokerErrorId, `can't ${what} "${topic.slice(0, 300)}": ${why}`);
}

function unknown(option: string, wanted: string, value: unknown): MicroError {
  return badRequest(brokerErrorId, `mqtt: ${option} must be ${wanted}, is ${JSON.stringify(value)}`);
}
