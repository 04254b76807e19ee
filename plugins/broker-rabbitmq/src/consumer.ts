import { type ConsumeMessage, IllegalOperationError } from "amqplib";
import type { Logger } from "ts-micro";
import { type Incoming, messageHeaders, type Outcome } from "ts-micro/broker";
import { newAcknowledgements } from "./acknowledgements.ts";
import { answered } from "./answered.ts";
import { atMost } from "./at-most.ts";
import { readHeaders } from "./headers.ts";
import type { Living } from "./keep.ts";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { Session } from "./session.ts";
import { declareExchange, type QueuePlan, refused } from "./topology.ts";

/** One queue's messages, on a channel of its own: `prefetch` of them are unacknowledged at most. */
export interface Consumer extends Living {
  /** Resolves when nothing will arrive any more. Acknowledging goes on. Never rejects. */
  cancel(): Promise<void>;
  /** Resolves when the server knows all verdicts. Never rejects. */
  end(): Promise<void>;
}

export interface ConsumerSetup {
  topic: string;
  queue: QueuePlan;
  prefetch: number;
  onMessage(delivered: Delivered): void;
}

export type Delivered = Required<Omit<Incoming, "postpone" | "text">>;

/** @throws MicroError 403 not allowed, 408 no answer, 409 the queue is of another kind, 503 */
export async function openConsumer(
  session: Session,
  { topic, queue, prefetch, onMessage }: ConsumerSetup,
  options: RabbitmqBrokerOptions,
  logger: Logger,
): Promise<Consumer> {
  const { exchange = defaults.exchange, queues = defaults.queues, timeoutMs = defaults.timeoutMs } = options;
  await declareExchange(session, exchange, queues, logger);
  const { channel, ended } = await session.channel();
  const acknowledgements = newAcknowledgements(channel);
  let name = queue.name;
  let consumerTag = "";
  try {
    await answered(timeoutMs, `queue "${name}"`, start());
  } catch (thrown) {
    // What is answered too late is ended then: a consumer that nobody knows would keep messages.
    channel.close().catch(() => {});
    throw refused(session, "queue", name, thrown);
  }

  return {
    ended,
    async cancel() {
      await atMost(timeoutMs, channel.cancel(consumerTag));
      acknowledgements.collect();
    },
    async end() {
      acknowledgements.flush();
      // What it holds is meant for nobody else.
      if (queue.own) await atMost(timeoutMs, channel.deleteQueue(name));
      await atMost(timeoutMs, channel.close());
    },
  };

  async function start(): Promise<void> {
    await channel.prefetch(Math.min(prefetch, largestPrefetch));
    name = (await channel.assertQueue(queue.name, queue.options)).queue;
    await channel.bindQueue(name, exchange, topic);
    consumerTag = (await channel.consume(name, take)).consumerTag;
  }

  function take(message: ConsumeMessage | null): void {
    // The server ends the consumer, such as when the queue is deleted.
    if (message === null) return void channel.close().catch(() => {});
    const { routingKey } = message.fields;
    const header = readHeaders(message.properties.headers);
    header[messageHeaders.topic] ??= routingKey;
    onMessage({
      message: { header, body: message.content },
      topic: routingKey,
      attempt: deliveriesBefore(message) + 1,
      settle: (outcome) => settle(message, outcome),
    });
  }

  function settle(message: ConsumeMessage, outcome: Outcome): void {
    if (outcome === "returned" || outcome === "dropped") {
      acknowledgements.skip(message);
      // What is dropped goes to the queue's dead letter exchange, when it has one.
      reject(message, outcome === "returned");
    } else acknowledgements.add(message);
  }

  function reject(message: ConsumeMessage, requeue: boolean): void {
    try {
      channel.nack(message, false, requeue);
    } catch (thrown) {
      // The channel is gone: the server sends the message again.
      if (!(thrown instanceof IllegalOperationError)) throw thrown;
    }
  }
}

/** AMQP counts it in two bytes. */
const largestPrefetch = 0xffff;

/** Quorum queues count. Others know only whether there was one. */
function deliveriesBefore({ fields, properties }: ConsumeMessage): number {
  const count: unknown = properties.headers?.["x-delivery-count"];
  if (typeof count === "number") return count;
  return fields.redelivered ? 1 : 0;
}
