import { newDelivery, readEnvelope } from "ts-micro/broker";
import type { Mode } from "./broker.ts";
import { openChannel } from "./channel.ts";
import { defaults } from "./options.ts";
import type { ModeSetup } from "./streams.ts";

/** go-micro's redis broker: the channel is the topic. Redis keeps nothing, and knows no queues here. */
export function newPubSub({ connection, options, logger }: ModeSetup): Mode {
  const { maxPendingMessages = defaults.maxPendingMessages, pingIntervalMs = defaults.pingIntervalMs } =
    options;

  return {
    supports: { ack: false, queue: false, order: true, redelivery: false },

    publishCommand: (topic, payload) => ["PUBLISH", topic, payload],

    async subscribe({ broker, topic, handler, plan }) {
      const delivery = newDelivery({ broker, topic, handler, plan, logger, backlog: maxPendingMessages });
      let dropped = 0;
      const channel = await openChannel({ connection, channel: topic, onMessage, pingIntervalMs, logger });
      return async () => {
        await channel.end();
        tellDropped();
        await delivery.stop();
      };

      /** Redis can't be told to send less: it would disconnect us and drop everything on the way. */
      function onMessage(payload: Buffer): void {
        const room = delivery.tryRoom();
        if (room === undefined) {
          if (dropped++ === 0) {
            logger.error(
              `"${topic}" is handled too slowly: ${maxPendingMessages} messages wait, dropping what comes`,
            );
          }
          return;
        }
        tellDropped();
        const message = readEnvelope(payload, topic, logger);
        if (message === undefined) room.release();
        else room.take({ message });
      }

      function tellDropped(): void {
        if (dropped > 0) logger.error(`"${topic}" was handled too slowly: ${dropped} messages were dropped`);
        dropped = 0;
      }
    },
  };
}
