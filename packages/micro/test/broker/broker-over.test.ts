import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type BrokerEngine, newBrokerOver } from "../../src/broker/broker-over.ts";
import { newLogger } from "../../src/logger.ts";

const logger = newLogger({ level: "fatal" });
const message = { header: {}, body: Buffer.from("{}") };

/** An engine that writes down what it is asked for. */
function newEngine(more: Partial<BrokerEngine> = {}): { asked: string[]; engine: BrokerEngine } {
  const asked: string[] = [];
  const engine: BrokerEngine = {
    name: "written",
    supports: { ack: false, queue: false, order: false, redelivery: false },
    address: "",
    connect: async () => void asked.push("connect"),
    close: async () => void asked.push("close"),
    publish: async () => void asked.push("publish"),
    subscribe: async () => async () => void asked.push("end"),
    ...more,
  };
  return { asked, engine };
}

test("connecting and disconnecting in one turn happen one after the other", async () => {
  const { asked, engine } = newEngine({
    async connect() {
      await pause(20);
      asked.push("connect");
    },
  });
  const broker = newBrokerOver(engine, logger);
  await Promise.all([broker.connect(), broker.connect(), broker.disconnect()]);
  assert.deepEqual(asked, ["connect", "close"]);
  await Promise.all([broker.disconnect(), broker.connect()]);
  assert.deepEqual(asked, ["connect", "close", "close", "connect"]);
});

test("a subscription whose end fails is told, and keeps nothing open", async () => {
  const { asked, engine } = newEngine({
    subscribe: async () => () => Promise.reject(new Error("it would not end")),
  });
  const broker = newBrokerOver(engine, logger);
  await broker.connect();
  await broker.subscribe("t", () => {});
  await assert.rejects(broker.disconnect(), /it would not end/);
  assert.deepEqual(asked, ["connect", "close"]);
  await broker.disconnect();
});

test("what is being published is finished before the engine closes, and nothing more is taken", async () => {
  let publish = (): void => {};
  const { asked, engine } = newEngine({
    publish: () =>
      new Promise((resolve) => {
        publish = () => {
          asked.push("published");
          resolve();
        };
      }),
  });
  const broker = newBrokerOver(engine, logger);
  await broker.connect();
  const published = broker.publish("t", message);
  const disconnected = broker.disconnect();
  await pause(5);
  await assert.rejects(broker.publish("t", message), { code: 503, reason: "not-connected" });
  await assert.rejects(
    broker.subscribe("t", () => {}),
    { code: 503, reason: "not-connected" },
  );
  publish();
  await Promise.all([published, disconnected]);
  assert.deepEqual(asked, ["connect", "published", "close"]);
});

test("what an engine throws at once is rejected; an aborted signal ends the waiting only", async () => {
  const { engine } = newEngine({
    publish(topic) {
      if (topic === "bad") throw new TypeError("no such topic");
      return new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  const broker = newBrokerOver(engine, logger);
  await assert.rejects(broker.publish("bad", message), /no such topic/);
  const ending = new AbortController();
  const published = broker.publish("t", message, { signal: ending.signal });
  ending.abort();
  await assert.rejects(published, { code: 499, reason: "cancelled" });
  await broker.disconnect();
});
