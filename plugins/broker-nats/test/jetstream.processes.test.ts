import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import { numbered, numberOf, numbers, sorted, until } from "./tools.ts";
import { startWorker } from "./worker-process.ts";

describe("JetStream, when processes end", { skip: nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let broker: Broker;
  before(async () => {
    server = await startNats({ jetstream: true });
    broker = newBroker({
      addresses: [server.address],
      jetstream: true,
      ackWaitMs: 1_000,
      maxDeliveries: 3,
      logger: newLogger({ level: "fatal" }),
    });
    await broker.connect();
  });
  after(async () => {
    await broker?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  /** Where each number goes that no worker has done; with the number of its delivery. */
  async function member(topic: string): Promise<Map<number, number>> {
    const handled = new Map<number, number>();
    await broker.subscribe(topic, ({ message, attempt }) => void handled.set(numberOf(message), attempt), {
      queue: "workers",
    });
    return handled;
  }

  async function publish(topic: string, count: number): Promise<void> {
    await Promise.all(numbers(count).map((id) => broker.publish(topic, numbered(id))));
  }

  /** Workers say nothing when they are ready: a queue exists once somebody has subscribed. */
  async function makeQueue(topic: string): Promise<void> {
    const first = await broker.subscribe(topic, () => {}, { queue: "workers" });
    await first.unsubscribe();
  }

  test("SIGTERM with 1,000 messages in hand: all of them are finished, the others go to another member", async () => {
    await makeQueue("term");
    await publish("term", 1_500);
    await using worker = startWorker(server.address, { TOPIC: "term", HANDLER_MS: "3000" });
    await until(() => worker.begun.length === 1_000);
    worker.child.kill("SIGTERM");
    assert.equal(await worker.exited, 0);
    assert.deepEqual(sorted(worker.ended), sorted(worker.begun));
    const others = await member("term");
    await until(() => others.size + worker.ended.length >= 1_500);
    // Whatever was acknowledged was handled, and nothing was handled twice.
    assert.deepEqual(sorted([...worker.ended, ...others.keys()]), numbers(1_500));
  });

  test("SIGKILL in handlers: what was in hand is delivered again, and nothing else", async () => {
    await makeQueue("kill");
    await publish("kill", 100);
    await using worker = startWorker(server.address, { TOPIC: "kill", HANDLER_MS: "3600000" });
    await until(() => worker.begun.length === 100);
    worker.child.kill("SIGKILL");
    await worker.exited;
    const others = await member("kill");
    await publish("kill.done", 0);
    await until(() => others.size === 100);
    assert.deepEqual(new Set(others.values()), new Set([2]));
  });

  test("a message that ends each process that handles it becomes a dead letter", async () => {
    const dead: (string | undefined)[] = [];
    await broker.subscribe("exit.dead", ({ message }) => void dead.push(message.header["Micro-Error"]));
    await makeQueue("exit");
    await broker.publish("exit", numbered(1));
    for (let delivery = 1; delivery <= 3; delivery++) {
      await using worker = startWorker(server.address, { TOPIC: "exit", EXIT: "3" });
      assert.equal(await worker.exited, 3);
      assert.equal(worker.begun.length, 1);
    }
    const handled: number[] = [];
    await broker.subscribe("exit", ({ message }) => void handled.push(numberOf(message)), {
      queue: "workers",
      deadLetter: "exit.dead",
    });
    await until(() => dead.length === 1);
    assert.match(dead[0] ?? "", /delivered 3 times and no process said what became of it/);
    assert.deepEqual(handled, []);
  });
});
