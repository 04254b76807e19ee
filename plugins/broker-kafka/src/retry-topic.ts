import type { IHeaders } from "kafkajs";
import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** What stands beside a message in a retry topic. */
export interface Retry {
  /** How often its handlers have failed. */
  readonly attempts: number;
  /** When it is to be tried again, in milliseconds since 1970. */
  readonly dueAt: number;
}

/**
 * The topic where a queue's messages wait for their retries: `orders.mailer.retry` for the queue `mailer` of `orders`.
 * What else than letters, digits and dashes is in the queue's name is written as `_2e`, so that the name stays
 * unambiguous.
 *
 * @throws MicroError 400 for a name that Kafka has no room for
 */
export function retryTopicOf(topic: string, queue: string): string {
  const encoded = queue.replace(/[^a-zA-Z0-9-]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `_${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  const name = `${topic}.${encoded}.retry`;
  if (name.length <= longestName) return name;
  const detail = `can't subscribe to "${topic}": the retry topic "${name}" has more than the ${longestName} letters of Kafka's topics; choose shorter names, or leave out the option \`retryTopic\``;
  throw badRequest(brokerErrorId, detail);
}

const longestName = 249;

/** As headers of Kafka's, so that the message itself stays as it was published. */
export function writeRetry({ attempts, dueAt }: Retry): IHeaders {
  return { [names.attempts]: String(attempts), [names.dueAt]: String(Math.ceil(dueAt)) };
}

/** What somebody else has put there is due at once. */
export function readRetry(headers: IHeaders | undefined): Retry {
  return { attempts: numberIn(headers?.[names.attempts]), dueAt: numberIn(headers?.[names.dueAt]) };
}

const names = { attempts: "ts-micro-attempts", dueAt: "ts-micro-due-at" } as const;

function numberIn(value: IHeaders[string]): number {
  const text = String(Array.isArray(value) ? value[0] : value);
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
