import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, type ServerProcess, startKafka } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { idOf, message, numbers, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("when a server is killed", { skip: kafka().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startKafka();
  });
  after(() => server[Symbol.asyncDispose]());

  async function connected(options: KafkaBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({ addresses: [server.address], logger, ...options });
    await broker.connect();
    return broker;
  }

  test("a server that is killed in mid-traffic for 20 s: 10,000 published messages arrive", async () => {
    const brokers = await Promise.all(numbers(4).map(() => connected({ pingIntervalMs: 1_000 })));
    const [publisher, first, second, third] = brokers as [Broker, Broker, Broker, Broker];
    const queue: number[] = [];
    const all: number[] = [];
    await first.subscribe("kill", ({ message }) => void queue.push(idOf(message)), { queue: "q" });
    await second.subscribe("kill", ({ message }) => void queue.push(idOf(message)), { queue: "q" });
    await third.subscribe("kill", ({ message }) => void all.push(idOf(message)));

    const refused = new Set<string>();
    const resolved: number[] = [];
    let next = 0;
    const traffic = numbers(100).map(async () => {
      while (resolved.length < 10_000) {
        const id = next++;
        try {
          await publisher.publish("kill", message(id));
          resolved.push(id);
        } catch (thrown) {
          assert.ok(MicroError.is(thrown), String(thrown));
          refused.add(`${thrown.code} ${thrown.reason}`);
          await pause(50);
        }
      }
    });
    await until(() => resolved.length > 3_000);
    await server.kill();
    await until(() => brokers.every(({ address }) => address === ""));
    const before = resolved.length;
    await pause(20_000);
    assert.equal(resolved.length, before, "a publish resolved without a server");
    assert.deepEqual([...refused].sort(), ["503 connection-lost", "503 not-connected"]);
    await assert.rejects(
      first.subscribe("other", () => {}),
      { code: 503, reason: "not-connected" },
    );

    await server.start();
    await Promise.all(traffic);
    for (const seen of [queue, all]) {
      await until(() => {
        const arrived = new Set(seen);
        return resolved.every((id) => arrived.has(id));
      });
    }
    await Promise.all(brokers.map((broker) => broker.disconnect()));
  });
});
