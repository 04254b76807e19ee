import { randomUUID } from "node:crypto";
import type { Options } from "amqplib";
import { badRequest, conflict, forbidden, type Logger, MicroError, serviceUnavailable } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { defaults, type QueueStyle, type RabbitmqBrokerOptions } from "./options.ts";
import type { Session } from "./session.ts";

/** A queue as it is declared. */
export interface QueuePlan {
  /** Empty: the server makes one up. */
  readonly name: string;
  readonly options: Options.AssertQueue;
  /** Nobody else uses it: it is deleted when its subscription ends. */
  readonly own: boolean;
}

/**
 * The queue of a subscription. One without `queue` has a queue of its own, which outlives a lost connection for a
 * minute, so that nothing is missed meanwhile.
 *
 * @throws MicroError 400 for a name that AMQP has no room for
 */
export function planQueue(
  queue: string | undefined,
  topic: string,
  { queues: style = defaults.queues, queueArguments }: RabbitmqBrokerOptions,
): QueuePlan {
  const plan = queue === undefined ? ownQueue(topic, style) : sharedQueue(queue, topic, style);
  if (Buffer.byteLength(plan.name) > longestName) {
    throw badRequest(
      brokerErrorId,
      `can't subscribe to "${topic}": the queue's name "${plan.name}" has more than ${longestName} bytes`,
    );
  }
  const { arguments: own, ...options } = plan.options;
  return { ...plan, options: { ...options, arguments: { ...own, ...queueArguments } } };
}

/** AMQP's short strings, which names and routing keys are. */
export const longestName = 255;

/** Members join later and leave: what is published for them meanwhile is kept. */
function sharedQueue(queue: string, topic: string, style: QueueStyle): QueuePlan {
  const own = false;
  if (style === "go-micro") return { name: queue, options: { durable: false, autoDelete: true }, own };
  if (style === "go-micro-durable") return { name: queue, options: { durable: true }, own };
  // The colon stays unambiguous.
  const name = `${queue.replaceAll("%", "%25").replaceAll(":", "%3A")}:${topic}`;
  const type = style === "quorum" && { "x-queue-type": "quorum" };
  return { name, options: { durable: true, arguments: { ...type } }, own };
}

function ownQueue(topic: string, style: QueueStyle): QueuePlan {
  if (style === "go-micro" || style === "go-micro-durable")
    return { name: "", options: { durable: false, autoDelete: true }, own: true };
  const options = { durable: true, arguments: { "x-expires": 60_000 } };
  return { name: `${randomUUID()}:${topic}`, options, own: true };
}

/**
 * Declares go-micro's topic exchange, on a channel of its own that a refusal closes. Ours is durable, so that
 * bindings outlive a server's restart; one that go-micro has made is not, by its default, and is used as it is.
 *
 * @throws MicroError 503, or 403 when the user may not
 */
export async function declareExchange(
  session: Session,
  exchange: string,
  queues: QueueStyle,
  logger: Logger,
): Promise<void> {
  try {
    await declare(true);
  } catch (thrown) {
    if (!/PRECONDITION_FAILED.*'durable'/.test(String(thrown)))
      throw refused(session, "exchange", exchange, thrown);
    await declare(false).catch((thrown: unknown) => {
      throw refused(session, "exchange", exchange, thrown);
    });
    if (queues !== "go-micro") logger.warn(`exchange "${exchange}" is not durable: ${notDurable}`);
  }

  async function declare(durable: boolean): Promise<void> {
    const { channel } = await session.channel();
    await channel.assertExchange(exchange, "topic", { durable });
    await channel.close();
  }
}

const notDurable =
  "what is published between a restart of rabbitmq and the return of its subscribers is lost; delete it while nobody uses it, or make it durable in go-micro with rabbitmq.DurableExchange()";

/** What the server refuses to declare or to open, as an error of ours; what is one already stays. */
export function refused(
  session: Session,
  kind: "exchange" | "queue",
  name: string,
  thrown: unknown,
): MicroError {
  if (MicroError.is(thrown)) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const detail = `rabbitmq node ${session.server} refuses ${kind} "${name}": ${why}`;
  if (why.includes("ACCESS_REFUSED")) return forbidden(brokerErrorId, detail);
  if (!why.includes("PRECONDITION_FAILED"))
    return serviceUnavailable(brokerErrorId, detail, { reason: "connection-lost", cause: thrown });
  const cure = `; it exists with other properties: choose others here (the option \`queues\`), or delete the ${kind}`;
  return conflict(brokerErrorId, `${detail}${cure}`);
}
