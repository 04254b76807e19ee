import type { Admin } from "kafkajs";
import { badRequest } from "ts-micro";
import { brokerErrorId, checkTopic } from "ts-micro/broker";
import { isRefusal, whenReady } from "./failures.ts";
import { defaults, type KafkaBrokerOptions } from "./options.ts";

export interface Topics {
  /** Makes the topic if there is none. What exists is remembered. */
  ensure(admin: Admin, topic: string): Promise<void>;
  /** It may have gone meanwhile. */
  forget(topic: string): void;
}

export function newTopics({
  createTopics = true,
  partitions = -1,
  timeoutMs = defaults.timeoutMs,
}: KafkaBrokerOptions): Topics {
  const known = new Set<string>();
  return {
    async ensure(admin, topic) {
      if (!createTopics || known.has(topic)) return;
      try {
        const topics = [{ topic, numPartitions: partitions }];
        await whenReady(() => admin.createTopics({ topics, waitForLeaders: true }), timeoutMs);
      } catch (thrown) {
        // Somebody else may make topics here; whether there is this one shows when it is used.
        if (!isDenied(thrown)) throw thrown;
      }
      known.add(topic);
    },
    forget: (topic) => void known.delete(topic),
  };
}

/** @throws MicroError 400 for what Kafka takes for no topic. */
export function checkKafkaTopic(topic: string, what: string): void {
  checkTopic(topic);
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== "." && topic !== "..") return;
  const detail = `can't ${what} ${JSON.stringify(topic)}: Kafka's topics have up to 249 letters, digits, dots, dashes and underscores`;
  throw badRequest(brokerErrorId, detail);
}

function isDenied(thrown: unknown): boolean {
  // The library gathers them, one for each topic.
  const all = thrown instanceof Error && "errors" in thrown ? thrown.errors : undefined;
  const errors: unknown[] = Array.isArray(all) ? all : [thrown];
  return errors.every((each) => isRefusal(each) && /AUTHORIZATION_FAILED$/.test(each.type));
}
