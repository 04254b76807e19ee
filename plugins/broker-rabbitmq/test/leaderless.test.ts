import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { type RabbitmqProcess, rabbitmq, startRabbitmq } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import { idOf, message, until } from "./messages.ts";

describe("a quorum queue that answers nothing", { skip: rabbitmq().skip, timeout: 120_000 }, () => {
  let server: RabbitmqProcess;
  before(async () => {
    server = await startRabbitmq();
  });
  after(() => server?.[Symbol.asyncDispose]());

  /** Holds the process that leads the queue, or lets it go on. To its callers it is as if there were none. */
  const leader = (queue: string, act: "suspend" | "resume") =>
    server.control("eval", `sys:${act}('%2F_${queue}').`);

  test("publishes and new subscriptions are refused in time; those there are come back by themselves", async () => {
    const lines: string[] = [];
    const logger = newLogger({ level: "debug", write: (line) => void lines.push(line) });
    const broker = newBroker({ addresses: [server.address], timeoutMs: 1_000, logger });
    await broker.connect();
    const seen = new Set<number>();
    await broker.subscribe("stuck", ({ message }) => void seen.add(idOf(message)), { queue: "q" });
    await broker.publish("stuck", message(0));
    await until(() => seen.has(0));

    await leader("q:stuck", "suspend");
    await assert.rejects(broker.publish("stuck", message(1)), { code: 408, reason: "timeout" });
    await assert.rejects(
      broker.subscribe("stuck", () => {}, { queue: "q" }),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown));
        assert.deepEqual([thrown.code, thrown.reason], [408, "timeout"]);
        assert.match(thrown.detail, /"q:stuck" within 1000 ms.*quorum_status/);
        return true;
      },
    );
    // Others go on.
    await broker.subscribe("free", ({ message }) => void seen.add(idOf(message)), { queue: "q" });
    await broker.publish("free", message(2));
    await until(() => seen.has(2));

    // A subscription that is made again meets the queue as it is.
    await server.control("close_all_connections", "so that all is made again");
    await until(() =>
      lines.some((line) => /subscription to "stuck" can't be started again yet.*quorum_status/.test(line)),
    );
    await leader("q:stuck", "resume");
    await broker.publish("stuck", message(3));
    await until(() => seen.has(3));
    await broker.disconnect();
  });
});
