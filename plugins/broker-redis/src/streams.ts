import type { Connection } from "@ts-micro/redis-connection";
import type { Logger } from "ts-micro";
import { type Incoming, newDelivery, readEnvelope } from "ts-micro/broker";
import type { Mode } from "./broker.ts";
import { type Entry, messageField } from "./entries.ts";
import { openGroup } from "./group.ts";
import { openLog } from "./log.ts";
import { defaults, type RedisBrokerOptions } from "./options.ts";
import { startReading } from "./reading.ts";

export interface ModeSetup {
  connection: Connection;
  options: RedisBrokerOptions;
  logger: Logger;
}

/** A topic is a stream, a queue a consumer group of it. */
export function newStreams({ connection, options, logger }: ModeSetup): Mode {
  const { keyPrefix = defaults.keyPrefix, maxLength = defaults.maxLength } = options;
  const { claimAfterMs = defaults.claimAfterMs } = options;
  const keyOf = (topic: string): string => `${keyPrefix}${topic}`;

  return {
    supports: { ack: true, queue: true, order: true, redelivery: true },

    publishCommand: (topic, payload) => [
      ...["XADD", keyOf(topic), "MAXLEN", "~", String(maxLength), "*", messageField],
      payload,
    ],

    async subscribe({ broker, topic, handler, plan }) {
      const key = keyOf(topic);
      const source =
        plan.queue === undefined
          ? await openLog(connection.session(), key)
          : await openGroup({ connection, key, queue: plan.queue, claimAfterMs, logger });
      const delivery = newDelivery({ broker, topic, handler, plan, logger });
      const settle = source.settle?.bind(source);

      function toIncoming(entry: Entry): Incoming | undefined {
        const message = readEnvelope(entry.payload, topic, logger);
        if (message !== undefined) {
          const { attempt } = entry;
          return {
            message,
            attempt,
            ...(settle !== undefined && { settle: (...verdict) => settle(entry, ...verdict) }),
          };
        }
        void settle?.(entry, "dropped", entry.attempt);
        return undefined;
      }

      try {
        const reading = await startReading({ connection, source, delivery, toIncoming, logger });
        return async () => {
          await reading.end();
          await source.end();
        };
      } catch (thrown) {
        await source.end();
        throw thrown;
      }
    },
  };
}
