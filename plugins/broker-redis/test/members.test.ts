import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@redis/client";
import { newBroker } from "@ts-micro/broker-redis";
import { redis, type ServerProcess, startBrokerWorker, startRedis } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { RedisBrokerOptions } from "../src/options.ts";
import { idOf, message, numbers, sorted, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("members of a queue come and go", { skip: redis().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let admin: Awaited<ReturnType<typeof connectAdmin>>;
  before(async () => {
    server = await startRedis();
    admin = await connectAdmin(server);
  });
  after(async () => {
    admin.destroy();
    await server[Symbol.asyncDispose]();
  });

  async function connected(options: RedisBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({ addresses: [server.address], logger, ...options });
    await broker.connect();
    return broker;
  }

  const env = () => ({ MICRO_BROKER: "redis", MICRO_BROKER_ADDRESS: server.address });

  test("SIGTERM with 1,000 messages in hand: they are finished and acknowledged, the others stay", async () => {
    await using worker = await startBrokerWorker({
      env: env(),
      topic: "stop",
      queue: "q",
      maxInFlight: 1_000,
    });
    const publisher = await connected();
    await Promise.all(numbers(2_000).map((id) => publisher.publish("stop", message(id))));
    await worker.begun.until(1_000);
    assert.equal(worker.done.items.length, 0);
    assert.equal(await worker.end("SIGTERM"), 0);
    assert.deepEqual(sorted(worker.done.items), sorted(worker.begun.items));
    assert.equal((await admin.xPending("micro:topic:stop", "q")).pending, 0);
    assert.equal((await admin.xInfoConsumers("micro:topic:stop", "q")).length, 0);

    const rest: number[] = [];
    await publisher.subscribe("stop", ({ message }) => void rest.push(idOf(message)), { queue: "q" });
    await until(() => rest.length + worker.done.items.length >= 2_000);
    await publisher.disconnect();
    assert.deepEqual(sorted([...worker.done.items, ...rest]), numbers(2_000));
  });

  test("what a process had in hand when it was killed comes to another one, as a further attempt", async () => {
    await using worker = await startBrokerWorker({ env: env(), topic: "die", queue: "q", maxInFlight: 10 });
    const broker = await connected({ claimAfterMs: 1_000 });
    await Promise.all(numbers(30).map((id) => broker.publish("die", message(id))));
    await worker.begun.until(10);
    await worker.end("SIGKILL");
    const seen = new Map<number, number>();
    await broker.subscribe("die", ({ message, attempt }) => void seen.set(idOf(message), attempt), {
      queue: "q",
    });
    await until(() => seen.size === 30);
    await broker.disconnect();
    const again = [...seen].filter(([, attempt]) => attempt === 2).map(([id]) => id);
    assert.deepEqual(sorted(again), sorted(worker.begun.items));
  });

  test("a handler that takes longer than claimAfterMs keeps its message", async () => {
    const [slow, other] = [await connected({ claimAfterMs: 300 }), await connected({ claimAfterMs: 300 })];
    const seen: string[] = [];
    const handler = (name: string) => async (event: { attempt: number }) => {
      seen.push(`${name} ${event.attempt}`);
      await pause(2_000);
    };
    await slow.subscribe("slow", handler("slow"), { queue: "q", maxInFlight: 1 });
    await slow.publish("slow", message(1));
    await until(() => seen.length === 1);
    await other.subscribe("slow", handler("other"), { queue: "q" });
    await slow.disconnect();
    await pause(1_500);
    await other.disconnect();
    assert.deepEqual(seen, ["slow 1"]);
  });

  test("a topic keeps about maxLength messages, and a subscription without a queue leaves nothing behind", async () => {
    const broker = await connected({ maxLength: 500 });
    const subscription = await broker.subscribe("long", () => {});
    await Promise.all(numbers(2_000).map((id) => broker.publish("long", message(id))));
    await subscription.unsubscribe();
    const { length, groups } = await admin.xInfoStream("micro:topic:long");
    assert.ok(length >= 500 && length < 1_000, `${length} messages`);
    assert.equal(groups, 0);
    await broker.disconnect();
  });

  test("a slow queue is given no more than it asked for", async () => {
    const broker = await connected();
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await broker.subscribe("pressure", () => opened, { queue: "q", maxInFlight: 10 });
    await Promise.all(numbers(1_000).map((id) => broker.publish("pressure", message(id))));
    const pending = async () => (await admin.xPending("micro:topic:pressure", "q")).pending;
    await until(async () => (await pending()) === 10);
    // Another reading would have been answered by now.
    await broker.publish("pressure", message(1_000));
    assert.equal(await pending(), 10);
    open();
    await until(async () => (await pending()) === 0);
    await broker.disconnect();
  });
});

async function connectAdmin(server: ServerProcess) {
  const client = createClient({ RESP: 2, url: `redis://${server.address}` });
  return client.connect();
}
