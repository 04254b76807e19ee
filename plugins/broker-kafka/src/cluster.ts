import { setTimeout as pause } from "node:timers/promises";
import type { Admin, Kafka, Producer } from "kafkajs";
import type { Logger, ServerSession } from "ts-micro";
import { newClient } from "./client.ts";
import { causeOf, innermost, isNamed, within } from "./failures.ts";
import { defaults, type KafkaBrokerOptions } from "./options.ts";

/**
 * What is connected to one cluster, until it doesn't answer any more. The library would connect again by itself, but
 * doesn't come back from a connection that was silent; so all is made anew.
 */
export interface Cluster extends ServerSession {
  /** Makes members of groups. */
  readonly groups: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  /** Somebody met a failure: the cluster is asked at once whether it is there. */
  doubt(): void;
  /** Takes no longer than `timeoutMs`. Never rejects. */
  end(): Promise<void>;
}

/** Resolves when the cluster has answered. @throws what the library throws, unwrapped */
export async function openCluster(options: KafkaBrokerOptions, logger: Logger): Promise<Cluster> {
  const { timeoutMs = defaults.timeoutMs, pingIntervalMs = defaults.pingIntervalMs } = options;
  const client = await newClient(options, logger);
  const { kafka, groups } = client;
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  const ending = new AbortController();
  let wake = (): void => {};
  let server: string;
  try {
    await Promise.all([admin.connect(), producer.connect()]);
    server = await ask();
  } catch (thrown) {
    client.end();
    await disconnect();
    throw innermost(thrown);
  }

  return {
    groups,
    admin,
    producer,
    get server() {
      return server;
    },
    ended: watch(),
    doubt: () => wake(),
    end() {
      ending.abort();
      return disconnect();
    },
  };

  /** Asks the cluster again and again whether it is there. Resolves with the reason when it isn't any more. */
  async function watch(): Promise<string> {
    for (;;) {
      const doubted = new AbortController();
      wake = () => doubted.abort();
      const signal = AbortSignal.any([ending.signal, doubted.signal]);
      await pause(pingIntervalMs, undefined, { signal }).catch(() => {});
      if (ending.signal.aborted) return "closed";
      try {
        server = await ask();
      } catch (thrown) {
        void disconnect();
        return causeOf(thrown);
      }
    }
  }

  async function ask(): Promise<string> {
    const { brokers } = await within(timeoutMs, admin.describeCluster());
    const [first] = brokers;
    if (first === undefined) throw new Error("the cluster has no server");
    return `${first.host}:${first.port}`;
  }

  async function disconnect(): Promise<void> {
    const ended = Promise.allSettled([admin.disconnect(), producer.disconnect()]);
    await within(timeoutMs, ended).catch(() => {});
    client.end();
  }
}

/** What `openCluster` threw says that the credentials are wrong. */
export function isDenied(thrown: unknown): boolean {
  return isNamed(thrown, "KafkaJSSASLAuthenticationError");
}
