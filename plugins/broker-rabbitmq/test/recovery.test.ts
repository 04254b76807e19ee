import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import { idOf, message, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: rabbitmq().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  let spare: ServerProcess;
  before(async () => {
    [server, spare] = await Promise.all([startRabbitmq(), startRabbitmq()]);
  });
  after(() => Promise.all([server, spare].map((each) => each?.[Symbol.asyncDispose]())));

  test("a server killed in mid-traffic for 20 s: what was published arrives, 10,000 messages", async () => {
    // One node of quorum queues that is killed in full traffic does not always come to itself again (3.10.8).
    const options = { addresses: [server.address], queues: "classic", logger } as const;
    const brokers = Array.from({ length: 4 }, () => newBroker(options));
    await Promise.all(brokers.map((broker) => broker.connect()));
    const [publisher, first, second, third] = brokers as [Broker, Broker, Broker, Broker];
    const queue = new Set<number>();
    const all = new Set<number>();
    await first.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
    await second.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
    // A queue of its own is missed by nothing either.
    await third.subscribe("kill", ({ message }) => void all.add(idOf(message)));

    const refused = new Map<string, number>();
    const resolved = new Set<number>();
    let next = 0;
    const traffic = Array.from({ length: 50 }, async () => {
      while (resolved.size < 10_000) {
        const id = next++;
        try {
          await publisher.publish("kill", message(id));
          resolved.add(id);
        } catch (thrown) {
          assert.ok(MicroError.is(thrown), String(thrown));
          const kind = `${thrown.code} ${thrown.reason}`;
          refused.set(kind, (refused.get(kind) ?? 0) + 1);
          await pause(100);
        }
      }
    });
    await until(() => resolved.size > 3_000);
    await server.kill();
    await until(() => brokers.every(({ address }) => address === ""));
    const resolvedBefore = resolved.size;
    assert.ok(resolvedBefore < 10_000, "it was killed too late");
    await pause(20_000);
    assert.equal(resolved.size, resolvedBefore, "a publish resolved without a server");
    assert.deepEqual([...refused.keys()].sort(), ["503 connection-lost", "503 not-connected"]);
    await assert.rejects(
      first.subscribe("other", () => {}),
      { code: 503, reason: "not-connected" },
    );

    await server.start();
    await Promise.all(traffic);
    const missing = (seen: ReadonlySet<number>) => [...resolved].filter((id) => !seen.has(id));
    await until(() => missing(queue).length === 0 && missing(all).length === 0);
    await Promise.all(brokers.map((broker) => broker.disconnect()));
  });

  test("with two servers, the other one is used when one dies", async () => {
    const broker = newBroker({ addresses: [server.address, spare.address], logger });
    await broker.connect();
    const seen: number[] = [];
    await broker.subscribe("failover", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    const [used, other] = broker.address === server.address ? [server, spare] : [spare, server];
    await used.kill();
    await until(() => broker.address === other.address);
    // These two are no cluster: what is published before the subscription is there goes nowhere.
    for (let id = 0; seen.length === 0; id++) {
      await broker.publish("failover", message(id));
      await pause(20);
    }
    await broker.disconnect();

    // The one that is dead helps to see what a broker does that finds none.
    const lonely = newBroker({ addresses: [used.address], logger });
    await assert.rejects(lonely.connect(), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown));
      assert.deepEqual([thrown.code, thrown.reason], [503, "connection-failed"]);
      assert.match(thrown.detail, new RegExp(used.address));
      return true;
    });
    const left = newBroker({ addresses: [other.address], logger });
    await left.connect();
    const subscription = await left.subscribe("left", () => {});
    await other.kill();
    await until(() => left.address === "");
    await subscription.unsubscribe();
    await left.disconnect();
  });
});
