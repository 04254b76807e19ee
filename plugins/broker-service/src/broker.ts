import { Broker as BrokerSchema, type Message as MessageInit, Remote } from "@ts-micro/service-wire";
import { newLogger } from "ts-micro";
import {
  type Broker,
  cancelled,
  checkTopic,
  type EventHandler,
  type Message,
  messageHeaders,
  newDelivery,
  newSubscription,
  notConnected,
  type PublishOptions,
  planSubscription,
  type SubscribeOptions,
  type Subscription,
} from "ts-micro/broker";
import { newTypedClient } from "ts-micro/client";
import type { ServiceBrokerOptions } from "./options.ts";

const service = "go.micro.broker";

/**
 * go-micro v2.9.1's service broker (`broker/service`): publishing is a call, a subscription a stream.
 *
 * Delivery is at most once, whatever stands behind the service: what is published while a stream is broken passes its
 * subscription by. `publish` resolves when the service's own broker has the message.
 */
export function newBroker(options: ServiceBrokerOptions = {}): Broker {
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "service",
  });
  const subscriptions = new Set<Subscription>();
  const pending = new Set<Promise<unknown>>();
  let remote: Remote | undefined;
  let connecting: Promise<void> | undefined;
  let disconnecting: Promise<void> | undefined;

  const broker: Broker = {
    name: "service",
    supports: { ack: false, queue: true, order: false, redelivery: false },

    get address() {
      return remote?.address ?? "";
    },

    async connect(): Promise<void> {
      await disconnecting;
      connecting ??= connect().finally(() => {
        connecting = undefined;
      });
      return connecting;
    },

    disconnect(): Promise<void> {
      disconnecting ??= disconnect().finally(() => {
        disconnecting = undefined;
      });
      return disconnecting;
    },

    publish(topic: string, message: Message, { signal }: PublishOptions = {}): Promise<void> {
      return track(publish(topic, message, signal));
    },

    subscribe(topic: string, handler: EventHandler, given: SubscribeOptions = {}): Promise<Subscription> {
      return track(subscribe(topic, handler, given));
    },

    [Symbol.asyncDispose]: () => broker.disconnect(),
  };
  return broker;

  async function connect(): Promise<void> {
    if (remote !== undefined) return;
    const { addresses = [], secure, tls, timeoutMs = 5_000, checkIntervalMs = 10_000 } = options;
    const made = new Remote({
      service,
      addresses: addresses.length === 0 ? ["127.0.0.1:8001"] : addresses,
      secure,
      tls,
      timeoutMs,
      checkIntervalMs,
      logger,
    });
    try {
      await made.check();
      remote = made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  async function publish(topic: string, message: Message, signal: AbortSignal | undefined): Promise<void> {
    checkTopic(topic);
    if (signal?.aborted) throw cancelled(`publishing on "${topic}"`, signal);
    const present = connected();
    const { header, body } = message;
    // The service's broker may be one whose subscribers look for it.
    const sent = { header: { [messageHeaders.topic]: topic, ...header }, body: Uint8Array.from(body) };
    await present.call((call) =>
      typed(present).publish({ topic, message: sent }, { ...call, ...(signal !== undefined && { signal }) }),
    );
  }

  async function subscribe(
    topic: string,
    handler: EventHandler,
    given: SubscribeOptions,
  ): Promise<Subscription> {
    const plan = planSubscription(broker, topic, given);
    const present = connected();
    if (disconnecting !== undefined) throw notConnected("service");
    const delivery = newDelivery({ broker, topic, handler, plan, logger });
    const stream = await present.follow<MessageInit>({
      what: `the subscription to "${topic}"`,
      open: (call) => typed(present).subscribe({ topic, queue: plan.queue ?? "" }, call),
      isConfirmation: ({ header, body }) => body.length === 0 && Object.keys(header).length === 0,
      async onItem({ header, body }) {
        // Until there is room nothing more is read, which holds the service back.
        const room = await delivery.room();
        room?.take({ message: { header: { ...header }, body: Buffer.from(body) } });
      },
    });
    const subscription = newSubscription(
      topic,
      given,
      async () => {
        await stream.finish((id, call) => typed(present).unsubscribe({ id }, call));
        await delivery.stop();
        subscriptions.delete(subscription);
      },
      logger,
    );
    subscriptions.add(subscription);
    return subscription;
  }

  /** Handlers that still run may publish, so the connection is closed last. */
  async function disconnect(): Promise<void> {
    await connecting?.catch(() => {});
    const present = remote;
    await Promise.allSettled(pending);
    await Promise.all([...subscriptions].map((subscription) => subscription.unsubscribe()));
    await Promise.allSettled(pending);
    remote = undefined;
    await present?.close();
  }

  function connected(): Remote {
    if (remote === undefined) throw notConnected("service");
    return remote;
  }

  function track<Result>(work: Promise<Result>): Promise<Result> {
    pending.add(work);
    const done = (): void => void pending.delete(work);
    work.then(done, done);
    return work;
  }
}

function typed({ client }: Remote) {
  return newTypedClient(BrokerSchema, client, { service });
}
