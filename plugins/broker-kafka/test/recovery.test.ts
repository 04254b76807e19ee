import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, startKafka } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: kafka().skip, timeout: 170_000 }, () => {
  async function connected(options: KafkaBrokerOptions): Promise<Broker> {
    const broker = newBroker({ logger, ...options });
    await broker.connect();
    return broker;
  }

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
