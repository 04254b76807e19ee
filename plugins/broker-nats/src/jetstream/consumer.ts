import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiCodes,
} from "@nats-io/jetstream";
import { millis, nanos, type Session } from "@ts-micro/nats-connection";
import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { defaults, type NatsBrokerOptions } from "../options.ts";
import { covers } from "../subject.ts";
import { type Ask, hasApiCode } from "./administration.ts";

/** Where the server notes who has which message, and which are done: one for each queue, or for one subscription. */
export interface Consumer {
  readonly name: string;
  readonly topic: string;
  /** A queue's outlives all its members; another one ends with its subscription. */
  readonly lasting: boolean;
}

export interface Ensured {
  readonly stream: string;
  /** False when it was there. */
  readonly made: boolean;
  /** After how long the server gives a message to somebody else. */
  readonly ackWaitMs: number;
}

/** @throws MicroError 400 when one of that name exists and works otherwise */
export async function ensureConsumer(
  ask: Ask,
  session: Session,
  stream: string,
  consumer: Consumer,
  options: NatsBrokerOptions,
): Promise<Ensured> {
  const { name, topic } = consumer;
  const doing = `subscribing to "${topic}"`;
  const info = () => ask(session, doing, ({ consumers }) => consumers.info(stream, name));
  try {
    return { stream, made: false, ackWaitMs: ackWaitOf(await info(), consumer) };
  } catch (thrown) {
    if (!hasApiCode(thrown, JetStreamApiCodes.ConsumerNotFound)) throw thrown;
  }
  try {
    const wanted = configOf(consumer, options);
    const added = await ask(session, doing, ({ consumers }) => consumers.add(stream, wanted));
    return { stream, made: true, ackWaitMs: ackWaitOf(added, consumer) };
  } catch (thrown) {
    if (!hasApiCode(thrown, nameInUse) && !hasApiCode(thrown, alreadyExists)) throw thrown;
    // Another member of the queue was faster, and wants another time to wait for acknowledgements.
    return { stream, made: false, ackWaitMs: ackWaitOf(await info(), consumer) };
  }
}

function configOf(
  { name, topic, lasting }: Consumer,
  { ackWaitMs = defaults.ackWaitMs, awayMs = defaults.awayMs }: NatsBrokerOptions,
): Partial<ConsumerConfig> {
  return {
    durable_name: name,
    filter_subject: topic,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    ack_wait: nanos(ackWaitMs),
    // Each process asks for as many as it has room for: that is the bound.
    max_ack_pending: -1,
    max_deliver: -1,
    ...(!lasting && { inactive_threshold: nanos(awayMs) }),
  };
}

/** @throws MicroError 400 */
function ackWaitOf({ config, stream_name: stream }: ConsumerInfo, { name, topic }: Consumer): number {
  const filters =
    config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
  const problem =
    config.deliver_subject !== undefined
      ? "pushes its messages"
      : config.ack_policy !== AckPolicy.Explicit
        ? `has the ack policy ${config.ack_policy}`
        : filters.length > 0 && !filters.some((filter) => covers(filter, topic))
          ? `has ${filters.join(", ")}`
          : undefined;
  if (problem === undefined) return millis(config.ack_wait ?? nanos(defaults.ackWaitMs));
  const detail = `can't subscribe to "${topic}": consumer ${name} of stream ${stream} ${problem}; it must be pulled from, acknowledge explicitly and have that subject`;
  throw badRequest(brokerErrorId, detail);
}

/** Numbers of errors: `server/errors.json` of nats-server. */
const nameInUse = 10_013;
const alreadyExists = 10_148;
