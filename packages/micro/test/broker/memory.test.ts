import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { newLogger } from "../../src/logger.ts";

const quiet = newLogger({ write: () => {} });
const text = (value: string) => ({ header: {}, body: Buffer.from(value) });

test("brokers of different hubs don't hear each other", async () => {
  await using one = newMemoryBroker({ addresses: [randomUUID()] });
  await using other = newMemoryBroker({ addresses: [randomUUID()] });
  await Promise.all([one.connect(), other.connect()]);
  const arrived: string[] = [];
  await one.subscribe("t", () => void arrived.push("one"));
  await other.subscribe("t", () => void arrived.push("other"));
  await one.publish("t", text("x"));
  await Promise.all([one.disconnect(), other.disconnect()]);
  assert.deepEqual(arrived, ["one"]);
});

test("a publisher waits while its subscriber has more than enough, until the caller gives up", async () => {
  await using broker = newMemoryBroker({ addresses: [randomUUID()] });
  await broker.connect();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handled: string[] = [];
  await broker.subscribe(
    "t",
    async ({ message }) => {
      await gate;
      handled.push(String(message.body));
    },
    { maxInFlight: 1 },
  );
  // One that is handled and 1024 that wait.
  for (let index = 0; index <= 1024; index++) await broker.publish("t", text(`m${index}`));
  const giveUp = new AbortController();
  const abandoned = broker.publish("t", text("abandoned"), { signal: giveUp.signal });
  const patient = broker.publish("t", text("patient"));
  giveUp.abort(new Error("enough"));
  await assert.rejects(abandoned, { code: 499, reason: "cancelled" });
  assert.equal(handled.length, 0);
  release();
  await patient;
  await broker.disconnect();
  assert.equal(handled.includes("abandoned"), false);
});

test("a queue keeps its members balanced by what they have in hand", async () => {
  await using broker = newMemoryBroker({ addresses: [randomUUID()], logger: quiet });
  await broker.connect();
  const taken = { busy: 0, free: 0 };
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const count = (member: keyof typeof taken, until?: Promise<void>) => () => {
    taken[member]++;
    return until;
  };
  await broker.subscribe("t", count("busy", gate), { queue: "q" });
  await broker.subscribe("t", count("free"), { queue: "q" });
  for (let index = 0; index < 20; index++) {
    await broker.publish("t", text("x"));
    await new Promise(setImmediate);
  }
  release();
  assert.deepEqual(taken, { busy: 1, free: 19 });
});
