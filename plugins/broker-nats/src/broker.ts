import { newConnection } from "@ts-micro/nats-connection";
import { MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  brokerErrorId,
  envelopeText,
  messageHeaders,
  newBrokerOver,
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
  const owner = { kind: "broker", errorId: brokerErrorId, logger };
  const connection = newConnection(options, owner);
  const newEngine = options.jetstream === true ? newJetStreamEngine : newCoreEngine;
  const carrier = newEngine({ connection, options, logger });
  /** The last that was published on and is a subject: most are that one again. */
  let lastTopic: string | undefined;

  const engine: BrokerEngine = {
    name: "nats",
    supports: carrier.supports,

    get address() {
      return connection.server;
    },

    async connect() {
      await connection.open();
      await carrier.check(connection.session()).catch(async (thrown: unknown) => {
        await connection.close();
        throw thrown;
      });
    },

    close: () => connection.close(),

    publish(topic, message) {
      if (topic !== lastTopic) checkPublishable(topic);
      lastTopic = topic;
      const session = connection.session();
      // go-micro's publishers set it; their servers look for subscribers by it.
      const text = envelopeText(message, message.header[messageHeaders.topic] ?? topic);
      const size = Buffer.byteLength(text);
      if (size > session.maxPayload) throw tooLarge(topic, size, session.maxPayload);
      return carrier.publish(session, topic, text, message);
    },

    async subscribe({ broker, topic, handler, plan }) {
      checkSubscribable(topic, plan.queue);
      if (plan.deadLetter !== undefined) checkPublishable(plan.deadLetter);
      const receiving = await carrier.subscribe({ broker, topic, handler, plan, logger });
      return () => receiving.end();
    },
  };
  return newBrokerOver(engine, logger);
}

function tooLarge(topic: string, size: number, limit: number): MicroError {
  const detail = `publishing on "${topic}": the message has ${size} bytes with its envelope, the server takes ${limit} (its max_payload)`;
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large" });
}
