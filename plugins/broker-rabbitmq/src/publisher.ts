import { forbidden, type Logger, MicroError, serviceUnavailable, timeout } from "ts-micro";
import { brokerErrorId, type Message } from "ts-micro/broker";
import { atMost } from "./at-most.ts";
import { writeHeaders } from "./headers.ts";
import type { Living } from "./keep.ts";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { Session } from "./session.ts";
import { declareExchange, planQueue, refused } from "./topology.ts";

/** A channel on which the server confirms each message. */
export interface Publisher extends Living {
  /**
   * Resolves when the server has the message in every durable queue that it belongs into, on disk.
   * @throws MicroError 403, 408 and 503 `connection-lost`. In the last two cases the server may have it.
   */
  publish(topic: string, message: Message): Promise<void>;
  /** As `publish`; what nobody subscribes to is kept in the queue `dead-letters` of that topic. */
  publishDeadLetter(topic: string, message: Message): Promise<void>;
  /** Resolves when the channel is closed. Never rejects. */
  end(): Promise<void>;
}

/** @throws MicroError 503, or 403 when the user may not declare the exchange */
export async function openPublisher(
  session: Session,
  options: RabbitmqBrokerOptions,
  logger: Logger,
): Promise<Publisher> {
  const { exchange = defaults.exchange, queues = defaults.queues, timeoutMs = defaults.timeoutMs } = options;
  await declareExchange(session, exchange, queues, logger);
  const opened = await session.confirmChannel();
  const { channel, ended } = opened;
  /** Ids of messages that went to no queue: the server says so before it confirms them. */
  const returned = new Set<string>();
  let mandatory = 0;
  channel.on("return", ({ properties }) => returned.add(String(properties.messageId)));

  return {
    ended,

    async publish(topic, message) {
      await send(exchange, topic, message);
    },

    async publishDeadLetter(topic, message) {
      const id = `ts-micro-${++mandatory}`;
      await send(exchange, topic, message, id);
      if (!returned.delete(id)) return;
      const queue = await declareDeadLetters(topic);
      await send("", queue, message);
      logger.warn(`nobody subscribes to "${topic}": its message is kept in queue "${queue}"`);
    },

    async end() {
      await atMost(timeoutMs, channel.close());
    },
  };

  function send(to: string, key: string, message: Message, mandatoryId?: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (session.blocked !== undefined) throw unable(session.server, session.blocked);
      const late = setTimeout(() => reject(tooLate(session.server, timeoutMs)), timeoutMs);
      const { buffer, byteOffset, byteLength } = message.body;
      const properties = {
        headers: writeHeaders(message.header),
        deliveryMode: 2,
        ...(mandatoryId !== undefined && { mandatory: true, messageId: mandatoryId }),
      };
      try {
        channel.publish(to, key, Buffer.from(buffer, byteOffset, byteLength), properties, (failure) => {
          clearTimeout(late);
          if (failure === null) resolve();
          else reject(lost(failure));
        });
      } catch (thrown) {
        clearTimeout(late);
        reject(thrown instanceof RangeError ? headersTooLong(thrown) : lost(thrown));
      }
    });
  }

  async function declareDeadLetters(topic: string): Promise<string> {
    const style = queues === "quorum" ? "quorum" : "classic";
    const { name, options: wanted } = planQueue("dead-letters", topic, { ...options, queues: style });
    const declaring = await session.channel();
    try {
      await declaring.channel.assertQueue(name, wanted);
    } catch (thrown) {
      throw refused(session, "queue", name, thrown);
    }
    await declaring.channel.close();
    return name;
  }

  function lost(thrown: unknown): MicroError {
    const why = opened.failure?.message ?? (thrown instanceof Error ? thrown.message : String(thrown));
    if (opened.failure?.code === 403) return forbidden(brokerErrorId, `rabbitmq refuses to publish: ${why}`);
    const detail = `rabbitmq node ${session.server} didn't confirm the message: ${why}; it may have arrived or not`;
    return serviceUnavailable(brokerErrorId, detail, { reason: "connection-lost", cause: thrown });
  }
}

function unable(server: string, why: string): MicroError {
  return serviceUnavailable(brokerErrorId, `rabbitmq node ${server} is not accepting messages: ${why}`);
}

function tooLate(server: string, timeoutMs: number): MicroError {
  const detail = `rabbitmq node ${server} didn't confirm the message within ${timeoutMs} ms (timeoutMs); it may have arrived or not`;
  return timeout(brokerErrorId, detail, { reason: "timeout" });
}

function headersTooLong(cause: Error): MicroError {
  const detail = "the message's headers are longer than the 64 KiB that AMQP has room for";
  return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large", cause });
}
