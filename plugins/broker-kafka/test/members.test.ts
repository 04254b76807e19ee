import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, type ServerProcess, startBrokerWorker, startKafka } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { idOf, message, numbers, sorted, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("members of a queue come and go", { skip: kafka().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startKafka();
  });
  after(() => server[Symbol.asyncDispose]());

  async function connected(options: KafkaBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({ addresses: [server.address], logger, sessionTimeoutMs: 3_000, ...options });
    await broker.connect();
    return broker;
  }

  const env = () => ({
    MICRO_BROKER: "kafka",
    MICRO_BROKER_ADDRESS: server.address,
    MICRO_KAFKA_SESSION_TIMEOUT: "3s",
  });

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

    const rest: number[] = [];
    await publisher.subscribe("stop", ({ message }) => void rest.push(idOf(message)), { queue: "q" });
    await until(() => rest.length + worker.done.items.length >= 2_000);
    await publisher.disconnect();
    assert.deepEqual(sorted([...worker.done.items, ...rest]), numbers(2_000));
  });

  test("what a process had in hand when it was killed comes to another one, as a further attempt", async () => {
    await using worker = await startBrokerWorker({ env: env(), topic: "die", queue: "q", maxInFlight: 10 });
    const broker = await connected();
    await Promise.all(numbers(30).map((id) => broker.publish("die", message(id))));
    await worker.begun.until(10);
    // What was begun is noted with the group soon afterwards.
    await pause(1_000);
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

  test("members that join and leave in mid-traffic lose nothing, and handlers may take longer than a session", async () => {
    const publisher = await connected();
    const seen = new Set<number>();
    const options = { queue: "q", maxInFlight: 50 };
    const handler = async ({ message }: { message: { body: Uint8Array } }): Promise<void> => {
      const id = idOf(message);
      await pause(id % 500 === 0 ? 4_000 : 1);
      seen.add(id);
    };
    const stay = await connected();
    await stay.subscribe("rebalance", handler, options);
    const total = 3_000;
    const sending = (async () => {
      for (const id of numbers(total)) {
        await publisher.publish("rebalance", message(id));
        if (id % 10 === 0) await pause(10);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const guest = await connected();
      await guest.subscribe("rebalance", handler, options);
      await pause(500);
      await guest.disconnect();
    }
    await sending;
    await until(() => seen.size === total);
    await Promise.all([stay.disconnect(), publisher.disconnect()]);
  });

  test("a slow queue is given no more than maxInFlight, and keeps its place in the group", async () => {
    const broker = await connected();
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const seen: number[] = [];
    const handler = async ({ message, attempt }: { message: { body: Uint8Array }; attempt: number }) => {
      seen.push(idOf(message));
      assert.equal(attempt, 1);
      await opened;
    };
    await broker.subscribe("pressure", handler, { queue: "q", maxInFlight: 10 });
    await Promise.all(numbers(1_000).map((id) => broker.publish("pressure", message(id))));
    await until(() => seen.length === 10);
    // Longer than the session, so that a member which doesn't report would have lost everything.
    await pause(5_000);
    assert.equal(seen.length, 10);
    open();
    await until(() => seen.length >= 1_000);
    await broker.disconnect();
    assert.deepEqual(sorted(seen), numbers(1_000));
  });
});
