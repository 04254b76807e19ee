import { setTimeout as pause } from "node:timers/promises";
import type { Admin, Kafka, Producer } from "kafkajs";
import { type Logger, MicroError, serviceUnavailable, unauthorized } from "ts-micro";
import { brokerErrorId, notConnected } from "ts-micro/broker";
import { tlsProblem } from "ts-micro/transport";
import { newClient, serversOf } from "./client.ts";
import { causeOf, isNamed, within } from "./failures.ts";
import { defaults, type KafkaBrokerOptions } from "./options.ts";

/**
 * What is connected to one cluster, until it doesn't answer any more. The library would connect again by itself, but
 * doesn't come back from a connection that was silent; so all is made anew.
 */
export interface Cluster {
  /** Makes members of groups. */
  readonly groups: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  /** Somebody met a failure: the cluster is asked at once whether it is there. */
  doubt(): void;
}

export interface Connection {
  /** `host:port` of a server that answered; empty while none does. */
  readonly server: string;
  /**
   * Resolves when the cluster has answered. Twice is once.
   * @throws MicroError 503 `connection-failed` naming the servers and why, 401 when they refuse the credentials
   */
  open(): Promise<void>;
  close(): Promise<void>;
  /** @throws MicroError 503 `not-connected` while no server answers */
  cluster(): Cluster;
  /** Called with each further one, until the function that it gives is called. */
  onReplaced(listener: (next: Cluster) => void): () => void;
}

export function newConnection(options: KafkaBrokerOptions, logger: Logger): Connection {
  const servers = serversOf(options).join(", ");
  const { timeoutMs = defaults.timeoutMs, pingIntervalMs = defaults.pingIntervalMs } = options;
  const listeners = new Set<(next: Cluster) => void>();
  let present: OpenCluster | undefined;
  let opening: Promise<void> | undefined;
  let closing = new AbortController();
  let wake = (): void => {};
  let watched: Promise<void> = Promise.resolve();

  return {
    get server() {
      return present?.server ?? "";
    },

    open(): Promise<void> {
      opening ??= open().catch((thrown: unknown) => {
        opening = undefined;
        throw unreachable(servers, thrown);
      });
      return opening;
    },

    async close(): Promise<void> {
      await opening?.catch(() => {});
      closing.abort();
      wake();
      await watched;
      await present?.end();
      present = undefined;
      opening = undefined;
    },

    cluster(): Cluster {
      if (present !== undefined) return present;
      if (opening === undefined) throw notConnected("kafka");
      const detail = `broker kafka is not connected: no server of ${servers} answers at present; it goes on trying`;
      throw serviceUnavailable(brokerErrorId, detail, { reason: "not-connected" });
    },

    onReplaced(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };

  async function open(): Promise<void> {
    present = await openCluster();
    closing = new AbortController();
    watched = watch(closing.signal);
  }

  async function openCluster(): Promise<OpenCluster> {
    const client = await newClient(options, logger);
    const { kafka, groups } = client;
    const admin = kafka.admin();
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    const end = async (): Promise<void> => {
      const ended = Promise.allSettled([admin.disconnect(), producer.disconnect()]);
      await within(timeoutMs, ended).catch(() => {});
      client.end();
    };
    try {
      await Promise.all([admin.connect(), producer.connect()]);
      return { groups, admin, producer, doubt: () => wake(), server: await ask(admin), end };
    } catch (thrown) {
      client.end();
      await end();
      throw thrown;
    }
  }

  /** Asks the cluster again and again whether it is there, and makes everything anew when it isn't. */
  async function watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const woken = new AbortController();
      wake = () => woken.abort();
      const waitMs = present === undefined ? retryMs : pingIntervalMs;
      await pause(waitMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => {});
      if (signal.aborted) return;
      if (present === undefined) await openAgain(signal);
      else await check(present);
    }
  }

  async function check(cluster: OpenCluster): Promise<void> {
    try {
      cluster.server = await ask(cluster.admin);
    } catch (thrown) {
      logger.warn(`lost kafka server ${cluster.server}: ${causeOf(thrown)}; connecting again`);
      present = undefined;
      void cluster.end();
    }
  }

  async function openAgain(signal: AbortSignal): Promise<void> {
    try {
      const next = await openCluster();
      if (signal.aborted) return await next.end();
      present = next;
      logger.info(`connected to kafka server ${next.server} again`);
      for (const listener of listeners) listener(next);
    } catch (thrown) {
      logger.debug(`can't reach kafka yet: ${causeOf(thrown)}`);
    }
  }

  async function ask(admin: Admin): Promise<string> {
    const { brokers } = await within(timeoutMs, admin.describeCluster());
    const [first] = brokers;
    if (first === undefined) throw new Error("the cluster has no server");
    return `${first.host}:${first.port}`;
  }
}

interface OpenCluster extends Cluster {
  server: string;
  /** Takes no longer than `timeoutMs`. Never rejects. */
  end(): Promise<void>;
}

function unreachable(servers: string, thrown: unknown): MicroError {
  if (MicroError.is(thrown)) return thrown;
  const reason = (thrown instanceof Error ? tlsProblem(thrown) : undefined) ?? causeOf(thrown);
  const detail = `can't connect to kafka (${servers}): ${reason}`;
  if (isNamed(thrown, "KafkaJSSASLAuthenticationError")) {
    return unauthorized(brokerErrorId, detail, { cause: thrown });
  }
  return serviceUnavailable(brokerErrorId, detail, { reason: "connection-failed", cause: thrown });
}

/** Wait before the next look at a cluster that didn't answer, in milliseconds. */
const retryMs = 500;
