import { badRequest, getMetadata, type MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  brokerErrorId,
  encodeEnvelope,
  messageHeaders,
  newBrokerOver,
  newDelivery,
  readEnvelope,
} from "ts-micro/broker";
import { newConnection } from "./connection.ts";
import { failureOf } from "./failures.ts";
import { joinGroup, type Member, type MemberSetup } from "./member.ts";
import { defaults, type KafkaBrokerOptions } from "./options.ts";
import { newPublisher, type Outgoing } from "./publisher.ts";
import { retryTopicOf } from "./retry-topic.ts";
import { checkKafkaTopic, newTopics } from "./topics.ts";

/**
 * Kafka as a broker (`broker/kafka` of go-plugins v2): a queue is a consumer group, the value go-micro's JSON envelope.
 *
 * Delivery is at least once: a group's offset is committed when everything before it is handled. `publish` resolves
 * when all replicas in sync have the message; while no server answers it rejects with 503 `not-connected`, and nothing
 * is kept for later. Messages with the same key keep their order.
 */
export function newBroker(options: KafkaBrokerOptions = {}): Broker {
  checkOptions(options);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "kafka",
  });
  const { timeoutMs = defaults.timeoutMs, keyHeader = defaults.keyHeader } = options;
  const { sessionTimeoutMs = defaults.sessionTimeoutMs, retryTopic = false } = options;
  const connection = newConnection(options, logger);
  const topics = newTopics(options);
  const publisher = newPublisher(timeoutMs, topics);

  const engine: BrokerEngine = {
    name: "kafka",
    supports: { ack: true, queue: true, order: false, redelivery: true },

    get address() {
      return connection.server;
    },

    connect: () => connection.open(),
    close: () => connection.close(),

    async publish(topic, message) {
      checkKafkaTopic(topic, "publish on");
      const cluster = connection.cluster();
      // go-micro's publishers set it; their servers look for subscribers by it.
      const value = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
      const key = getMetadata(message.header, keyHeader) ?? null;
      await publisher.publish(cluster, topic, { key, value });
    },

    async subscribe({ broker, topic, handler, plan }) {
      checkKafkaTopic(topic, "subscribe to");
      const { queue, maxInFlight, maxBackoffMs } = plan;
      const retries = retryTopic && queue !== undefined ? retryTopicOf(topic, queue) : undefined;
      await ensure(topic);
      const setup = {
        connection,
        topic,
        queue,
        delivery: newDelivery({ broker, topic, handler, plan, logger }),
        maxAhead: Math.max(1_000, 4 * maxInFlight),
        read: (value: Buffer) => readEnvelope(value, topic, logger),
        sessionTimeoutMs,
        timeoutMs,
        logger,
      };
      const members =
        retries === undefined ? [await joinGroup(setup)] : await joinBoth(retries, setup, maxBackoffMs);
      return async () => {
        await Promise.all(members.map((member) => member.end()));
      };
    },
  };
  return newBrokerOver(engine, logger);

  /** First the retries' group: what fails may be put there from the first message on. */
  async function joinBoth(retries: string, setup: MemberSetup, longestWaitMs: number): Promise<Member[]> {
    await ensure(retries);
    const both = {
      ...setup,
      // A slot is held until the message is there: then its offset may be committed.
      postpone: async (message: Outgoing) => publisher.publish(connection.cluster(), retries, message),
    };
    const later = await joinGroup({ ...both, topic: retries, queue: retries, longestWaitMs });
    try {
      return [later, await joinGroup(both)];
    } catch (thrown) {
      await later.end();
      throw thrown;
    }
  }

  async function ensure(topic: string): Promise<void> {
    await topics.ensure(connection.cluster().admin, topic).catch((thrown: unknown) => {
      throw failureOf(thrown, `make the topic "${topic}"`);
    });
  }
}

/** @throws MicroError 400 that names the option */
function checkOptions({
  saslMechanism = "plain",
  partitions = 1,
  sessionTimeoutMs = 10_000,
}: KafkaBrokerOptions): void {
  if (!["plain", "scram-sha-256", "scram-sha-512"].includes(saslMechanism)) {
    throw meaningless("saslMechanism", saslMechanism, '"plain", "scram-sha-256" or "scram-sha-512"');
  }
  if (!(Number.isSafeInteger(partitions) && partitions >= 1)) {
    throw meaningless("partitions", partitions, "a whole number from 1");
  }
  if (!(sessionTimeoutMs >= 1_000 && sessionTimeoutMs <= 3_600_000)) {
    throw meaningless("sessionTimeoutMs", sessionTimeoutMs, "milliseconds from 1000 to 3600000");
  }
}

function meaningless(option: string, value: unknown, wanted: string): MicroError {
  const detail = `broker kafka: ${option} must be ${wanted}, is ${JSON.stringify(value) ?? value}`;
  return badRequest(brokerErrorId, detail);
}
