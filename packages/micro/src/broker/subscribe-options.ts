import { badRequest, type MicroError, notImplemented } from "../errors.ts";
import type { Broker, BrokerSupports, SubscribeOptions } from "./broker.ts";
import { brokerErrorId, cancelled } from "./failures.ts";
import { builtInSupports } from "./supports.ts";

/** `SubscribeOptions` with every default filled in. */
export interface SubscribePlan {
  readonly queue: string | undefined;
  readonly manualAck: boolean;
  readonly maxInFlight: number;
  readonly retries: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly deadLetter: string | undefined;
}

/**
 * Resolves the options of a subscription. Every broker calls this first.
 * @throws MicroError 501 `not-supported` for what the broker can't do, 400 for what makes no sense, 499
 *   when the signal has been aborted already.
 */
export function planSubscription(
  broker: Pick<Broker, "name" | "supports">,
  topic: string,
  options: SubscribeOptions,
): SubscribePlan {
  checkTopic(topic);
  const { queue, ack = "auto", maxInFlight = 64, retry, deadLetter, signal } = options;
  if (signal?.aborted) throw cancelled(`subscribing to "${topic}"`, signal);
  if (ack !== "auto" && ack !== "manual") throw meaningless(topic, "ack", ack, '"auto" or "manual"');
  if (queue !== undefined && !isName(queue))
    throw meaningless(topic, "queue", queue, "a text that isn't empty");
  if (!isCount(maxInFlight, 1)) throw meaningless(topic, "maxInFlight", maxInFlight, "a whole number from 1");
  if (deadLetter !== undefined && (!isName(deadLetter) || deadLetter === topic)) {
    throw meaningless(topic, "deadLetter", deadLetter, "another topic");
  }
  const { retries = 0, backoffMs = 100, maxBackoffMs = 30_000 } = retry ?? {};
  if (!isCount(retries, 0)) throw meaningless(topic, "retry.retries", retries, "a whole number from 0");
  for (const [name, value] of Object.entries({ backoffMs, maxBackoffMs })) {
    if (!(value >= 0 && value <= longestTimerMs)) {
      throw meaningless(topic, `retry.${name}`, value, `milliseconds from 0 to ${longestTimerMs}`);
    }
  }
  if (queue !== undefined && !broker.supports.queue) throw notSupported(broker, "queue", queue, "queue");
  if (ack === "manual" && !broker.supports.ack) throw notSupported(broker, "ack", ack, "ack");
  return { queue, manualAck: ack === "manual", maxInFlight, retries, backoffMs, maxBackoffMs, deadLetter };
}

/** @throws MicroError 400 for an empty topic. */
export function checkTopic(topic: string): void {
  if (!isName(topic)) throw badRequest(brokerErrorId, "a topic is a text that isn't empty");
}

/** Node fires longer timers at once. */
const longestTimerMs = 0x7fff_ffff;

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function meaningless(topic: string, option: string, value: unknown, wanted: string): MicroError {
  const given = typeof value === "string" ? JSON.stringify(value) : String(value);
  return badRequest(brokerErrorId, `can't subscribe to "${topic}": ${option} must be ${wanted}, is ${given}`);
}

function notSupported(
  broker: Pick<Broker, "name">,
  option: string,
  value: string,
  ability: keyof BrokerSupports,
): MicroError {
  const able = Object.entries(builtInSupports)
    .filter(([, supports]) => supports[ability])
    .map(([name]) => name);
  return notImplemented(
    brokerErrorId,
    `broker ${broker.name} does not support ${option}: "${value}"; of the built-in brokers ${able.join(" and ")} can`,
    { reason: "not-supported" },
  );
}
