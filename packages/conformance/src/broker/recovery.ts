import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Logger, MicroError, newLogger } from "ts-micro";
import type { Broker, Message } from "ts-micro/broker";
import type { ServerProcess } from "../servers/server-process.ts";
import { startSilenceableProxy } from "../servers/silenceable-proxy.ts";

export interface BrokerRecoverySubject {
  /**
   * A server that keeps what it has confirmed.
   * @param advertised only with `advertises`: where clients are to connect, `host:port`
   */
  start(advertised?: string): Promise<ServerProcess>;
  /** A broker with at-least-once delivery, not connected yet. */
  create(setup: BrokerRecoverySetup): Broker;
  /** Why nothing is run, such as a missing server. @default false */
  skip?: false | string;
  /** Publishes that wait at a time. @default 100 */
  publishers?: number;
  /** `stop` for a server that keeps its state only when it ends by itself. @default "kill" */
  end?: "kill" | "stop";
  /** True for a server that forgets its queues, but not what is in them, with its end. @default false */
  forgetsQueues?: boolean;
  /** True for a server that tells its clients where to connect: none of them goes around a proxy. @default false */
  advertises?: boolean;
  /** The server is started anew after the subscriptions are made, before the traffic. @default false */
  restartsFirst?: boolean;
  /** Length of messages that fill buffers, in bytes. @default 4 MiB */
  largeBytes?: number;
}

export interface BrokerRecoverySetup {
  addresses: readonly string[];
  logger: Logger;
  /** A silent server is to be given up within seconds. */
  impatient: boolean;
}

/** Messages that are published with success, some of them before the end of the server and most after it. */
const count = 10_000;

/** The suite of a broker that delivers at least once, on an engine that dies or falls silent, and comes back. */
export function brokerRecovery(name: string, subject: BrokerRecoverySubject): void {
  const { skip = false, publishers = 100, forgetsQueues = false, advertises = false } = subject;
  const logger = newLogger({ level: "fatal" });

  async function connected(addresses: readonly string[], impatient = false): Promise<Broker> {
    const broker = subject.create({ addresses, logger, impatient });
    await broker.connect();
    return broker;
  }

  describe(`broker ${name}, when its engine goes and comes back`, { skip, timeout: 170_000 }, () => {
    test("ended in mid-traffic for 20 s: 10,000 messages arrive that were published", async () => {
      await using server = await subject.start();
      const brokers = await Promise.all(numbers(4).map(() => connected([server.address])));
      const [publisher, first, second, third] = brokers as [Broker, Broker, Broker, Broker];
      const queue = new Set<number>();
      const all = new Set<number>();
      await first.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
      await second.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
      // A subscription without a queue misses nothing either.
      await third.subscribe("kill", ({ message }) => void all.add(idOf(message)));
      if (subject.restartsFirst === true) {
        await server.stop();
        await server.start();
        await until(() => brokers.every(({ address }) => address !== ""));
      }

      const refused = new Set<string>();
      const published = new Set<number>();
      let next = 0;
      const traffic = numbers(publishers).map(async () => {
        while (published.size < count) {
          const id = next++;
          try {
            await publisher.publish("kill", message(id));
            published.add(id);
          } catch (thrown) {
            assert.ok(MicroError.is(thrown), String(thrown));
            refused.add(`${thrown.code} ${thrown.reason}`);
            await pause(50);
          }
        }
      });
      await until(() => published.size > count / 3);
      await (subject.end === "stop" ? server.stop() : server.kill());
      await until(() => brokers.every(({ address }) => address === ""));
      const before = published.size;
      assert.ok(before < count, "it was ended too late");
      await pause(20_000);
      assert.equal(published.size, before, "a publish resolved without a server");
      assert.deepEqual([...refused].sort(), ["503 connection-lost", "503 not-connected"]);
      await assert.rejects(
        first.subscribe("other", () => {}),
        { code: 503, reason: "not-connected" },
      );

      await server.start();
      await Promise.all(traffic);
      await until(() => hasAll(all, published));
      if (forgetsQueues) {
        // What is published before a member is back is lost.
        for (const from = next; ![...queue].some((id) => id >= from); ) {
          await publisher.publish("kill", message(next++));
          await pause(20);
        }
        const late = numbers(1_000).map(() => next++);
        await Promise.all(late.map((id) => publisher.publish("kill", message(id))));
        await until(() => hasAll(queue, late) && hasAll(all, late));
      } else await until(() => hasAll(queue, published));
      await Promise.all(brokers.map((broker) => broker.disconnect()));
    });

    test("a connection that falls silent is given up, full buffers or not; nothing is missed", async () => {
      let target = "";
      await using proxy = await startSilenceableProxy(() => target);
      await using server = await subject.start(advertises ? proxy.address : undefined);
      target = server.address;
      const broker = await connected([proxy.address], true);
      const seen = { queue: new Set<number>(), alone: new Set<number>() };
      await broker.subscribe("silence", ({ message }) => void seen.queue.add(idOf(message)), { queue: "q" });
      await broker.subscribe("silence", ({ message }) => void seen.alone.add(idOf(message)));
      const haveSeen = (ids: Iterable<number>): boolean => hasAll(seen.queue, ids) && hasAll(seen.alone, ids);
      await broker.publish("silence", message(-1));
      await until(() => haveSeen([-1]));
      const other = advertises ? undefined : await connected([server.address]);

      proxy.silence();
      const large = { header: {}, body: new Uint8Array(subject.largeBytes ?? 4 * 1024 * 1024) };
      const outcomes = await Promise.allSettled([
        broker.publish("silence", message(-2)),
        ...numbers(4).map((id) => broker.publish(`silence.${id}`, large)),
      ]);
      for (const outcome of outcomes) {
        assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason), JSON.stringify(outcome));
        const { reason = "", message: text } = outcome.reason;
        assert.ok(["timeout", "connection-lost"].includes(reason), text);
      }
      await until(() => broker.address === "");
      await assert.rejects(broker.publish("silence", message(-3)), { code: 503, reason: "not-connected" });
      // A server that takes connections and says nothing is none either.
      await pause(1_500);
      assert.equal(broker.address, "");
      const meanwhile = other === undefined ? [] : numbers(100);
      await Promise.all(meanwhile.map((id) => other?.publish("silence", message(id))));

      proxy.speak();
      await until(() => broker.address !== "");
      await broker.publish("silence", message(1_000));
      await until(() => haveSeen([...meanwhile, 1_000]));
      await Promise.all([broker.disconnect(), other?.disconnect()]);
      await until(() => proxy.connections === 0);
    });

    test("subscriptions and brokers end while no server answers; who connects is told which one", async () => {
      const server = await subject.start();
      const broker = await connected([server.address], true);
      const subscription = await broker.subscribe("lonely", () => {}, { queue: "q" });
      await broker.subscribe("lonely", () => {});
      await server[Symbol.asyncDispose]();
      await until(() => broker.address === "");
      await subscription.unsubscribe();
      await broker.disconnect();
      await assert.rejects(broker.connect(), (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.deepEqual([thrown.code, thrown.reason], [503, "connection-failed"]);
        assert.ok(thrown.detail.includes(server.address), thrown.detail);
        return true;
      });
    });
  });
}

const numbers = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** A message that carries its number. */
const message = (id: number): Message => ({
  header: { "Content-Type": "application/json" },
  body: Buffer.from(String(id)),
});

const idOf = ({ body }: Message): number => Number(Buffer.from(body).toString());

function hasAll(seen: ReadonlySet<number>, ids: Iterable<number>): boolean {
  for (const id of ids) if (!seen.has(id)) return false;
  return true;
}

/** The test's own limit ends what never holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}
