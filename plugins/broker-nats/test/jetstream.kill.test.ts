import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, startNats, startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import { numbered, numberOf, numbers, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("JetStream, when the server goes and comes back", {
  skip: nats().skip,
  timeout: 170_000,
  concurrency: true,
}, () => {
  test("10,000 messages over a server killed in mid-traffic for 20 s: each one that was published arrives", async () => {
    const count = 10_000;
    await using server = await startNats({ jetstream: true });
    const brokers = Array.from({ length: 4 }, () =>
      newBroker({ addresses: [server.address], jetstream: true, logger }),
    );
    await Promise.all(brokers.map((broker) => broker.connect()));
    const [publisher, first, second, third] = brokers;
    assert.ok(publisher && first && second && third);
    const [queue, alone] = [new Set<number>(), new Set<number>()];
    for (const member of [first, second]) {
      await member.subscribe("kill", ({ message }) => void queue.add(numberOf(message)), { queue: "q" });
    }
    await third.subscribe("kill", ({ message }) => void alone.add(numberOf(message)));

    const published = new Set<number>();
    const refused = new Set<string>();
    let next = 0;
    const traffic = Array.from({ length: 16 }, async () => {
      while (published.size < count) {
        const id = next++;
        try {
          await publisher.publish("kill", numbered(id));
          published.add(id);
        } catch (thrown) {
          assert.ok(MicroError.is(thrown), String(thrown));
          refused.add(`${thrown.code} ${thrown.reason}`);
          await pause(20);
        }
      }
    });
    await until(() => published.size > count / 3);
    await server.kill();
    await until(() => brokers.every(({ address }) => address === ""));
    const before = published.size;
    await pause(20_000);
    assert.equal(published.size, before, "a publish resolved without a server");
    await server.start();
    await Promise.all(traffic);
    const missing = (seen: ReadonlySet<number>) => [...published].filter((id) => !seen.has(id));
    await until(() => missing(queue).length === 0 && missing(alone).length === 0);
    assert.deepEqual([...refused].sort(), ["503 connection-lost", "503 not-connected"]);
    await Promise.all(brokers.map((broker) => broker.disconnect()));
  });

  test("a server that lost its data: subscriptions are made anew, and the log says so", async () => {
    await using server = await startNats({ jetstream: true });
    const lines: string[] = [];
    const broker = newBroker({
      addresses: [server.address],
      jetstream: true,
      logger: newLogger({ level: "error", write: (line) => void lines.push(line) }),
    });
    await broker.connect();
    const [queue, alone] = [new Set<number>(), new Set<number>()];
    await broker.subscribe("lost", ({ message }) => void queue.add(numberOf(message)), { queue: "q" });
    await broker.subscribe("lost", ({ message }) => void alone.add(numberOf(message)));
    await server.kill();
    await server.start({ empty: true });
    await until(
      () => lines.filter((line) => /had forgotten the subscription of "lost"/.test(line)).length === 2,
    );
    await broker.publish("lost", numbered(1));
    await until(() => queue.has(1) && alone.has(1));
    await broker.disconnect();
  });

  test("a connection that falls silent is given up after three pings; what was published meanwhile arrives", async () => {
    await using server = await startNats({ jetstream: true });
    await using proxy = await startSilenceableProxy(server.address);
    const options = { jetstream: true, logger, pingIntervalMs: 200, timeoutMs: 1_000, ackWaitMs: 1_000 };
    const subscriber = newBroker({ ...options, addresses: [proxy.address] });
    const publisher = newBroker({ ...options, addresses: [server.address] });
    await Promise.all([subscriber.connect(), publisher.connect()]);
    const seen = new Set<number>();
    await subscriber.subscribe("silence", ({ message }) => void seen.add(numberOf(message)));
    await publisher.publish("silence", numbered(0));
    await until(() => seen.has(0));

    proxy.silence();
    for (const id of numbers(100)) await publisher.publish("silence", numbered(id));
    await assert.rejects(subscriber.publish("silence", numbered(-1)), MicroError.is);
    await until(() => subscriber.address === "");
    proxy.speak();
    await until(() => numbers(100).every((id) => seen.has(id)));
    await Promise.all([subscriber.disconnect(), publisher.disconnect()]);
  });
});
