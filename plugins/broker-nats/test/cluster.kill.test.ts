/** One server after the other of a cluster of three is killed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, startNatsCluster } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Event } from "ts-micro/broker";
import { numbered, numberOf, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

test("JetStream with three replicas: whichever server is killed, each message that was published arrives", {
  skip: nats().skip,
  timeout: 170_000,
}, async () => {
  await using cluster = await startNatsCluster({ jetstream: true });
  const { addresses } = cluster;
  const create = () => newBroker({ addresses, jetstream: true, streamReplicas: 3, logger });
  const [publisher, first, second, alone] = [create(), create(), create(), create()];
  for (const broker of [publisher, first, second, alone]) await onceFormed(() => broker.connect());
  const [queue, single] = [new Set<number>(), new Set<number>()];
  for (const member of [first, second]) {
    const handler = ({ message }: Event) => void queue.add(numberOf(message));
    await onceFormed(() => member.subscribe("cluster", handler, { queue: "q" }));
  }
  await alone.subscribe("cluster", ({ message }) => void single.add(numberOf(message)));

  const published = new Set<number>();
  let next = 0;
  let going = true;
  const traffic = Array.from({ length: 8 }, async () => {
    while (going) {
      const id = next++;
      try {
        await publisher.publish("cluster", numbered(id));
        published.add(id);
      } catch (thrown) {
        assert.ok(MicroError.is(thrown), String(thrown));
        await pause(20);
      }
    }
  });
  for (const server of cluster.members) {
    const before = published.size;
    await until(() => published.size > before + 500);
    await server.kill();
    const without = published.size;
    await until(() => published.size > without + 500);
    await server.start();
  }
  going = false;
  await Promise.all(traffic);
  const missing = (seen: ReadonlySet<number>) => [...published].filter((id) => !seen.has(id));
  await until(() => missing(queue).length === 0 && missing(single).length === 0);
  for (const broker of [publisher, first, second, alone]) await broker.disconnect();
});

/** The servers run before they have elected who manages their streams, and before that one knows the others. */
async function onceFormed<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.ok(thrown.code === 503 || /no suitable peers/.test(thrown.detail), thrown.detail);
      await pause(100);
    }
  }
}
