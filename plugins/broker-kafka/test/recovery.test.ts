import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, startKafka, startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { idOf, message, numbers, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: kafka().skip, timeout: 170_000 }, () => {
  async function connected(options: KafkaBrokerOptions): Promise<Broker> {
    const broker = newBroker({ logger, ...options });
    await broker.connect();
    return broker;
  }

  test("a connection that falls silent is given up", async () => {
    let target = "";
    await using proxy = await startSilenceableProxy(() => target);
    // Kafka tells its clients where to connect.
    await using proxied = await startKafka({ advertised: proxy.address });
    target = proxied.address;
    const broker = await connected({ addresses: [proxy.address], pingIntervalMs: 500, timeoutMs: 2_000 });
    const seen: number[] = [];
    await broker.subscribe("silence", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    await broker.publish("silence", message(1));
    await until(() => seen.length === 1);

    proxy.silence();
    const outcomes = await Promise.allSettled(numbers(4).map((id) => broker.publish("silence", message(id))));
    for (const outcome of outcomes) {
      assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason));
      assert.ok(["timeout", "connection-lost"].includes(outcome.reason.reason ?? ""), outcome.reason.message);
    }
    await until(() => broker.address === "");
    await assert.rejects(broker.publish("silence", message(2)), { code: 503, reason: "not-connected" });

    proxy.speak();
    await until(() => broker.address !== "");
    await broker.publish("silence", message(7));
    await until(() => seen.includes(7));
    await broker.disconnect();
    await until(() => proxy.connections === 0);
  });

  test("of several servers one is enough, and disconnecting while none answers ends", async () => {
    await using lonely = await startKafka();
    const broker = await connected({
      addresses: ["127.0.0.1:1", lonely.address],
      pingIntervalMs: 500,
      timeoutMs: 2_000,
    });
    const subscription = await broker.subscribe("lonely", () => {}, { queue: "q" });
    await broker.subscribe("lonely", () => {});
    await lonely.kill();
    await until(() => broker.address === "");
    await subscription.unsubscribe();
    await broker.disconnect();
    await assert.rejects(broker.connect(), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown));
      assert.deepEqual([thrown.code, thrown.reason], [503, "connection-failed"]);
      assert.match(thrown.detail, new RegExp(lonely.address));
      return true;
    });
  });
});
