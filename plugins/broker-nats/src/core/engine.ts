import { type DeliverySetup, type Incoming, newDelivery, readEnvelope } from "ts-micro/broker";
import type { Engine, EngineSetup, Receiving } from "../engine.ts";
import { defaults } from "../options.ts";
import { hasWildcards } from "../subject.ts";
import { type Arrived, newBacklog } from "./backlog.ts";

/** Core NATS keeps nothing: a message reaches who listens when it is published, at most once. */
export function newCoreEngine({ connection, options, logger }: EngineSetup): Engine {
  const { maxPendingMessages = defaults.maxPendingMessages, maxPendingBytes = defaults.maxPendingBytes } =
    options;
  const limits = `${maxPendingMessages} messages or ${maxPendingBytes} bytes`;

  return {
    supports: { ack: false, queue: true, order: true, redelivery: false },

    async check() {},

    publish: (session, topic, payload) => session.publish(topic, payload),

    async subscribe(wanted: DeliverySetup): Promise<Receiving> {
      const { topic, plan } = wanted;
      const isPattern = hasWildcards(topic);
      const delivery = newDelivery(wanted);
      const backlog = newBacklog({
        delivery,
        maxMessages: maxPendingMessages,
        maxBytes: maxPendingBytes,
        read,
        onDropping: () =>
          logger.error(`"${topic}" is handled too slowly: ${limits} wait, dropping what comes`),
        onDropped: (count) =>
          logger.error(`"${topic}" was handled too slowly: ${count} messages were dropped`),
      });
      const listening = await connection.listen({
        subject: topic,
        queue: plan.queue,
        onMessage: (message) => backlog.add(isPattern ? message.subject : topic, message.data),
      });
      return {
        /** The server has counted what it sent as delivered: all of that is handled. */
        async end() {
          await listening.end();
          backlog.flush();
          await delivery.stop();
        },
      };
    },
  };

  function read({ subject, payload }: Arrived): Incoming | undefined {
    const message = readEnvelope(payload, subject, logger);
    return message && { message, topic: subject };
  }
}
