import type { IHeaders } from "kafkajs";
import { timeout } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import type { Cluster } from "./cluster.ts";
import { failureOf } from "./failures.ts";
import type { Topics } from "./topics.ts";

export interface Outgoing {
  readonly key: string | Buffer | null;
  readonly value: Buffer;
  readonly headers?: IHeaders;
}

export interface Publisher {
  /** Resolves when all replicas in sync have the message. Messages of one topic go in the order of the calls. */
  publish(cluster: Cluster, topic: string, message: Outgoing): Promise<void>;
}

/** One request at a time for each topic, with all that was published meanwhile. */
export function newPublisher(timeoutMs: number, topics: Topics): Publisher {
  const lanes = new Map<string, Waiting[]>();

  return {
    publish(cluster, topic, message) {
      return new Promise((resolve, reject) => {
        const waiting = { message, resolve, reject };
        const lane = lanes.get(topic);
        if (lane !== undefined) lane.push(waiting);
        else {
          const own = [waiting];
          lanes.set(topic, own);
          void drive(cluster, topic, own);
        }
      });
    },
  };

  async function drive(cluster: Cluster, topic: string, lane: Waiting[]): Promise<void> {
    // What is published in the same turn goes together.
    await Promise.resolve();
    while (lane.length > 0) {
      const batch = takeBatch(lane);
      try {
        await send(cluster, topic, batch);
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        cluster.doubt();
        topics.forget(topic);
        for (const { reject } of [...batch, ...lane.splice(0)])
          reject(failureOf(thrown, `publish on "${topic}"`));
      }
    }
    lanes.delete(topic);
  }

  async function send(cluster: Cluster, topic: string, batch: readonly Waiting[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(topic, timeoutMs)), timeoutMs);
    });
    const messages = batch.map(({ message }) => message);
    try {
      await Promise.race([
        topics
          .ensure(cluster.admin, topic)
          .then(() => cluster.producer.send({ topic, messages, acks: -1, timeout: timeoutMs })),
        late,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Waiting {
  readonly message: Outgoing;
  resolve(): void;
  reject(error: unknown): void;
}

/** At least one, and no more than a server takes by default. */
function takeBatch(lane: Waiting[]): Waiting[] {
  let bytes = 0;
  const full = lane.findIndex(({ message }, index) => {
    bytes += message.value.length + entryBytes;
    return index > 0 && (bytes > mostBytes || index >= mostMessages);
  });
  return lane.splice(0, full === -1 ? lane.length : full);
}

/** What a record costs beside its value, generously. */
const entryBytes = 512;
const mostBytes = 512 * 1024;
const mostMessages = 500;

function tooLate(topic: string, timeoutMs: number) {
  const detail = `publishing on "${topic}": kafka didn't answer within ${timeoutMs} ms (timeoutMs); the message may have arrived or not`;
  return timeout(brokerErrorId, detail, { reason: "timeout" });
}
