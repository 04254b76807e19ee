import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-mqtt";
import { mosquitto, type ServerProcess, startMosquitto, startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import { idOf, message, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: mosquitto().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startMosquitto();
  });
  after(() => server[Symbol.asyncDispose]());

  test("a server that is away for 20 s and keeps its state: 10,000 messages arrive that were published", async () => {
    const brokers = Array.from({ length: 4 }, () => newBroker({ addresses: [server.address], logger }));
    await Promise.all(brokers.map((broker) => broker.connect()));
    const [publisher, first, second, third] = brokers as [Broker, Broker, Broker, Broker];
    const queue = new Set<number>();
    const all = new Set<number>();
    await first.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
    await second.subscribe("kill", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
    await third.subscribe("kill", ({ message }) => void all.add(idOf(message)));

    const refused = new Map<string, number>();
    const resolved = new Set<number>();
    let next = 0;
    const traffic = Array.from({ length: 100 }, async () => {
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
    await server.stop();
    await until(() => brokers.every(({ address }) => address === ""));
    const resolvedBefore = resolved.size;
    assert.ok(resolvedBefore < 10_000, "it was stopped too late");
    await pause(20_000);
    assert.equal(resolved.size, resolvedBefore, "a publish resolved without a server");
    assert.deepEqual([...refused.keys()].sort(), ["503 connection-lost", "503 not-connected"]);
    await assert.rejects(
      first.subscribe("other", () => {}),
      { code: 503, reason: "not-connected" },
    );

    await server.start();
    await Promise.all(traffic);
    await until(() => [...resolved].every((id) => all.has(id)));
    // Mosquitto 2.0.11 forgets shared subscriptions when it ends: what is published before a member is back is lost.
    for (const from = next; ![...queue].some((id) => id >= from); ) {
      await publisher.publish("kill", message(next++));
      await pause(20);
    }
    const late = Array.from({ length: 1_000 }, () => next++);
    await Promise.all(late.map((id) => publisher.publish("kill", message(id))));
    await until(() => late.every((id) => queue.has(id) && all.has(id)));
    await Promise.all(brokers.map((broker) => broker.disconnect()));
  });

  test("a server that is killed: subscriptions come back, whether it remembers them or not", async () => {
    for (const empty of [false, true]) {
      const [publisher, subscriber] = [
        newBroker({ addresses: [server.address], logger }),
        newBroker({ addresses: [server.address], logger }),
      ];
      await Promise.all([publisher.connect(), subscriber.connect()]);
      const queue = new Set<number>();
      const all = new Set<number>();
      await subscriber.subscribe("back", ({ message }) => void queue.add(idOf(message)), { queue: "q" });
      await subscriber.subscribe("back", ({ message }) => void all.add(idOf(message)));
      await publisher.publish("back", message(0));
      await until(() => queue.has(0) && all.has(0));
      await server.kill();
      await until(() => publisher.address === "" && subscriber.address === "");
      await server.start({ empty });
      await until(() => publisher.address !== "");
      for (let id = 1; queue.size < 2 || all.size < 2; id++) {
        await publisher.publish("back", message(id));
        await pause(20);
      }
      await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
    }
  });

  test("a connection that falls silent is given up after three pings, full buffers or not", async () => {
    await using proxy = await startSilenceableProxy(server.address);
    const options = { addresses: [proxy.address], logger, keepAliveMs: 300, timeoutMs: 1_000 };
    const broker = newBroker(options);
    await broker.connect();
    const seen: number[] = [];
    await broker.subscribe("silence", ({ message }) => void seen.push(idOf(message)));
    await broker.publish("silence", message(1));
    await until(() => seen.length === 1);

    proxy.silence();
    const large = { header: {}, body: new Uint8Array(4 * 1024 * 1024) };
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((id) => broker.publish(`silence.${id}`, large)),
    );
    for (const outcome of outcomes) {
      assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason));
      assert.ok(["timeout", "connection-lost"].includes(outcome.reason.reason ?? ""), outcome.reason.message);
    }
    await until(() => broker.address === "");
    await assert.rejects(broker.publish("silence", message(2)), { code: 503 });

    proxy.speak();
    await until(() => broker.address !== "");
    await broker.publish("silence", message(3));
    await until(() => seen.includes(3));
    await broker.disconnect();
    await until(() => proxy.connections === 0);
  });

  test("with two servers, the other one is used when one dies", async () => {
    await using spare = await startMosquitto();
    const broker = newBroker({ addresses: [server.address, spare.address], logger });
    await broker.connect();
    assert.equal(broker.address, server.address);
    const seen: number[] = [];
    await broker.subscribe("failover", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    await server.kill();
    await until(() => broker.address === spare.address);
    // These two know nothing of each other: what is published before the subscription is there goes nowhere.
    for (let id = 0; seen.length === 0; id++) {
      await broker.publish("failover", message(id));
      await pause(20);
    }
    const lonely = newBroker({ addresses: [server.address], logger });
    await assert.rejects(lonely.connect(), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown));
      assert.deepEqual([thrown.code, thrown.reason], [503, "connection-failed"]);
      assert.match(thrown.detail, new RegExp(server.address));
      return true;
    });
    await spare.kill();
    await until(() => broker.address === "");
    await broker.disconnect();
    await server.start();
  });
});
