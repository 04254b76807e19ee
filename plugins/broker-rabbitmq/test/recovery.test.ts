import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import { idOf, message, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: rabbitmq().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  let spare: ServerProcess;
  before(async () => {
    [server, spare] = await Promise.all([startRabbitmq(), startRabbitmq()]);
  });
  after(() => Promise.all([server, spare].map((each) => each?.[Symbol.asyncDispose]())));

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
