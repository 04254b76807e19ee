import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-mqtt";
import { mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import { idOf, message, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: mosquitto().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startMosquitto();
  });
  after(() => server[Symbol.asyncDispose]());

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
