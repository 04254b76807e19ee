import { setTimeout as pause } from "node:timers/promises";
import { badRequest, MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  brokerErrorId,
  checkTopic,
  type Message,
  messageHeaders,
  newBrokerOver,
  newDelivery,
  notConnected,
  type Outcome,
  type SubscribeRequest,
} from "ts-micro/broker";
import { wantsTls } from "ts-micro/transport";
import { atMost } from "./at-most.ts";
import { newConnection } from "./connection.ts";
import { type ConsumerSetup, type Delivered, openConsumer } from "./consumer.ts";
import { type Kept, keep } from "./keep.ts";
import { defaults, queueStyles, type RabbitmqBrokerOptions } from "./options.ts";
import { openPublisher, type Publisher } from "./publisher.ts";
import { parseServerAddress } from "./server-address.ts";
import { longestName, planQueue } from "./topology.ts";

/**
 * RabbitMQ as go-micro's rabbitmq broker uses it (go-plugins' `broker/rabbitmq` @ v2.9.1, and v6.10.0): one topic
 * exchange, the routing key is the topic, the body the message's own, its headers entries of AMQP's table. A topic to
 * subscribe to may have RabbitMQ's wildcards.
 *
 * Delivery is at least once: `publish` resolves when the server has the message in every queue that it belongs into,
 * and a queue forgets it when its handler is done. While no server is connected `publish` rejects with 503
 * `not-connected`, and nothing is kept for later.
 */
export function newBroker(options: RabbitmqBrokerOptions = {}): Broker {
  const {
    queues = defaults.queues,
    maxReconnectWaitMs = defaults.maxReconnectWaitMs,
    maxMessageBytes = defaults.maxMessageBytes,
    timeoutMs = defaults.timeoutMs,
  } = options;
  if (!queueStyles.includes(queues)) throw unknownStyle(queues);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "rabbitmq",
  });
  const { addresses = [] } = options;
  const servers = shuffled(addresses.length === 0 ? [defaults.address] : addresses).map((address) =>
    parseServerAddress(address, wantsTls(options)),
  );
  // A server that is short of memory reads no more from whoever publishes: acknowledgements must not wait behind that.
  const publishing = newConnection(servers, options, logger);
  const consuming = newConnection(servers, options, logger);
  /** By the names of go-micro's queues, which serve one topic each. */
  const served = new Map<string, { topic: string; subscriptions: number }>();
  let publisher: Kept<Publisher> | undefined;

  const engine: BrokerEngine = {
    name: "rabbitmq",
    supports: { ack: true, queue: true, order: true, redelivery: queues !== "go-micro" },

    get address() {
      return publisher?.present === undefined ? "" : publishing.server;
    },

    async connect(): Promise<void> {
      if (publisher !== undefined) return;
      await publishing.open();
      try {
        publisher = await keep({
          connection: publishing,
          what: "publishing",
          maxWaitMs: maxReconnectWaitMs,
          logger,
          make: (session) => openPublisher(session, options, logger),
        });
      } catch (thrown) {
        await publishing.close();
        throw thrown;
      }
    },

    async close(): Promise<void> {
      await consuming.close();
      if (publisher !== undefined) await atMost(timeoutMs, publisher.release());
      await publisher?.present?.end();
      await publishing.close();
      publisher = undefined;
    },

    async publish(topic, message) {
      checkKey(topic, "publish on");
      if (/(^|\.)[*#](\.|$)/.test(topic))
        throw malformed(topic, "publish on", "wildcards are for subscribing");
      if (message.body.length > maxMessageBytes) throw tooLarge(topic, message.body.length, maxMessageBytes);
      await present().publish(topic, withTopic(message, topic));
    },

    subscribe,
  };
  return newBrokerOver(engine, logger);

  async function subscribe({ topic, handler, plan }: SubscribeRequest): Promise<() => Promise<void>> {
    checkKey(topic, "subscribe to");
    const queue = planQueue(plan.queue, topic, options);
    if (publisher === undefined) throw notConnected("rabbitmq");
    const other = served.get(queue.name)?.topic;
    if (other !== undefined && other !== topic) throw sharedQueue(topic, queue.name, other);
    await consuming.open();
    const dead = {
      name: engine.name,
      publish: async (deadTopic: string, letter: Message) =>
        present().publishDeadLetter(deadTopic, withTopic(letter, deadTopic)),
    };
    const delivery = newDelivery({ broker: dead, topic, handler, plan, logger });
    const ending = new AbortController();
    const setup: ConsumerSetup = {
      topic,
      queue,
      prefetch: plan.maxInFlight,
      onMessage: (incoming) => {
        // Between the wish to stop and the server's last message: they are for others.
        if (ending.signal.aborted) return void incoming.settle("returned", incoming.attempt - 1);
        delivery.take({ ...incoming, settle: (outcome, attempts) => settle(incoming, outcome, attempts) });
      },
    };
    const consumer = await keep({
      connection: consuming,
      what: `the subscription to "${topic}"`,
      maxWaitMs: maxReconnectWaitMs,
      logger,
      make: (session) => openConsumer(session, setup, options, logger),
      // Handlers may still be busy with messages that the server will deliver anew: no more than that wait here.
      ready: async () => (await delivery.room())?.release(),
    });
    const release = servesOneTopic(plan.queue) ? serve(queue.name, topic) : undefined;

    return async () => {
      ending.abort();
      await atMost(timeoutMs, consumer.release());
      await consumer.present?.cancel();
      await delivery.stop();
      await consumer.present?.end();
      release?.();
    };

    async function settle(incoming: Delivered, outcome: Outcome, attempts: number): Promise<void> {
      // It comes back at once, and what made it fail, such as a lost connection for its dead letter, may last.
      if (outcome === "returned")
        await pause(returnAfterMs, undefined, { signal: ending.signal }).catch(() => {});
      await incoming.settle(outcome, attempts);
    }
  }

  function servesOneTopic(queue: string | undefined): boolean {
    return queue !== undefined && (queues === "go-micro" || queues === "go-micro-durable");
  }

  /** Gives the function that takes it back. */
  function serve(queueName: string, topic: string): () => void {
    const entry = served.get(queueName) ?? { topic, subscriptions: 0 };
    entry.subscriptions++;
    served.set(queueName, entry);
    return () => {
      entry.subscriptions--;
      if (entry.subscriptions === 0) served.delete(queueName);
    };
  }

  /** @throws MicroError 503 `not-connected` */
  function present(): Publisher {
    const found = publisher?.present;
    if (found !== undefined) return found;
    if (publisher === undefined) throw notConnected("rabbitmq");
    // Tells which nodes are tried; there is a connection for a moment before one can publish on it.
    publishing.session();
    throw notConnected("rabbitmq");
  }
}

const returnAfterMs = 1_000;

/** go-micro's publishers set it; their servers look for subscribers by it. */
function withTopic(message: Message, topic: string): Message {
  return { ...message, header: { [messageHeaders.topic]: topic, ...message.header } };
}

/** Chosen once, so that both connections prefer the same node. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

function checkKey(topic: string, what: string): void {
  checkTopic(topic);
  if (Buffer.byteLength(topic) > longestName)
    throw malformed(topic, what, `RabbitMQ's topics have at most ${longestName} bytes`);
}

function malformed(topic: string, what: string, why: string): MicroError {
  return badRequest(brokerErrorId, `can't ${what} "${topic}": ${why}`);
}

function sharedQueue(topic: string, queue: string, other: string): MicroError {
  const why = `queue "${queue}" is that of "${other}", and go-micro's queues serve one topic each; choose another name, or leave out the option \`queues\``;
  return malformed(topic, "subscribe to", why);
}

function unknownStyle(queues: string): MicroError {
  const known = queueStyles.join(", ");
  return badRequest(brokerErrorId, `rabbitmq: \`queues\` is one of ${known}, not ${JSON.stringify(queues)}`);
}

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the body has ${size} bytes, the limit is ${limit} (maxMessageBytes)`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}
