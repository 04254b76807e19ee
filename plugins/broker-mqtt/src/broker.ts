import { randomUUID } from "node:crypto";
import type { IPublishPacket } from "mqtt-packet";
import { badRequest, type MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  brokerErrorId,
  checkTopic,
  encodeEnvelope,
  type Incoming,
  messageHeaders,
  newBrokerOver,
  newDelivery,
  readEnvelope,
} from "ts-micro/broker";
import { wantsTls } from "ts-micro/transport";
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
  const servers = (addresses.length === 0 ? [defaults.address] : addresses).map((address) =>
    parseServerAddress(address, wantsTls(options)),
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

  const engine: BrokerEngine = {
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

    connect: () => connection.open(),
    close: () => connection.close(true),

    async publish(topic, message) {
      checkName(topic, "publish on");
      if (/[+#]/.test(topic)) throw malformed(topic, "publish on", "wildcards are for subscribing");
      connection.session();
      // go-micro's publishers set it; their servers look for subscribers by it.
      const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
      await publisher.publish(topic, payload);
    },

    async subscribe({ broker, topic, handler, plan }) {
      const { queue, maxInFlight } = plan;
      checkName(topic, "subscribe to");
      if (/[+#/\0]/.test(queue ?? ""))
        throw malformed(topic, "subscribe to", `queue "${queue}" has one of + # /`);
      connection.session();
      const setup = {
        clientId: clientId === undefined ? `ts-micro-${randomUUID()}` : `${clientId}:${queue ?? ""}:${topic}`,
        filter: queue === undefined ? topic : `$share/${queue}/${topic}`,
        shared: queue !== undefined,
        maxInFlight,
        delivery: newDelivery({ broker, topic, handler, plan, logger }),
        read,
      };
      const subscriber = await openSubscriber(servers, setup, options, logger);
      return () => subscriber.end();
    },
  };
  return newBrokerOver(engine, logger);

  function read({ topic, payload }: IPublishPacket): Incoming | undefined {
    const message = readEnvelope(Buffer.from(payload), topic, logger);
    return message === undefined ? undefined : { message, topic };
  }
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
