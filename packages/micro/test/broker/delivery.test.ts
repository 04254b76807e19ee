import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, EventHandler, Message, SubscribeOptions } from "../../src/broker/broker.ts";
import { type DeliverySetup, newDelivery } from "../../src/broker/delivery.ts";
import type { Incoming, Outcome } from "../../src/broker/handling.ts";
import { planSubscription } from "../../src/broker/subscribe-options.ts";
import { newLogger } from "../../src/logger.ts";

/** A delivery as an engine would use it: with what was settled, published and logged. */
function setUp(handler: EventHandler, options: SubscribeOptions = {}, more: Partial<DeliverySetup> = {}) {
  const supports = { ack: true, queue: true, order: true, redelivery: true };
  const settled: [Outcome, number][] = [];
  const published: [string, Message][] = [];
  const log: string[] = [];
  const published503 = { fail: false };
  const delivery = newDelivery({
    broker: {
      name: "engine",
      async publish(topic, message) {
        if (published503.fail) throw new Error("engine is gone");
        published.push([topic, message]);
      },
    },
    topic: "t",
    handler,
    plan: planSubscription({ name: "engine", supports }, "t", options),
    logger: newLogger({ level: "trace", write: (line) => log.push(line) }),
    random: () => 0,
    ...more,
  });
  const incoming = (text: string, attempt?: number): Incoming => ({
    message: { header: { "Micro-Id": text }, body: Buffer.from(text) },
    ...(attempt !== undefined && { attempt }),
    settle: (outcome, attempts) => void settled.push([outcome, attempts]),
  });
  return { delivery, settled, published, log, incoming, published503 };
}

const nextTurn = () => new Promise(setImmediate);

test("the engine is told what became of each message", async () => {
  const { delivery, settled, incoming } = setUp(
    ({ message }) => {
      if (message.body.length > 1) throw new Error("too long");
    },
    { retry: { retries: 1, backoffMs: 1 } },
  );
  delivery.take(incoming("a"));
  delivery.take(incoming("long"));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(settled, [
    ["handled", 1],
    ["dropped", 2],
  ]);
});

test("attempts of earlier deliveries count", async () => {
  const attempts: number[] = [];
  const { delivery, settled, incoming } = setUp(
    ({ attempt }) => {
      attempts.push(attempt);
      throw new Error("always");
    },
    { retry: { retries: 3, backoffMs: 1 } },
  );
  delivery.take(incoming("a", 3));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(attempts, [3, 4]);
  assert.deepEqual(settled, [["dropped", 4]]);
});

test("a dead letter that can't be published gives the message back to the engine", async () => {
  const fails = () => {
    throw new Error("always");
  };
  const { delivery, settled, published, published503, incoming, log } = setUp(fails, { deadLetter: "dead" });
  delivery.take(incoming("a"));
  while (delivery.inHand > 0) await nextTurn();
  published503.fail = true;
  delivery.take(incoming("b"));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(settled, [
    ["dead-lettered", 1],
    ["returned", 1],
  ]);
  assert.deepEqual(
    published.map(([topic]) => topic),
    ["dead"],
  );
  assert.match(log.join(""), /engine is gone/);
});

test("an acknowledgement resolves when the engine has it, and rejects when the engine refuses", async () => {
  const results: unknown[] = [];
  const { delivery } = setUp(
    async (event) => {
      await event.ack().then(
        () => results.push("acknowledged"),
        (error: unknown) => results.push(error),
      );
    },
    { ack: "manual" },
  );
  const message = { header: {}, body: new Uint8Array(0) };
  const refused = new Error("channel closed");
  delivery.take({ message, settle: nextTurn as () => Promise<void> });
  delivery.take({ message, settle: () => Promise.reject(refused) });
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(results, [refused, "acknowledged"]);
});

test("with manual acknowledgement, a failure after the verdict changes nothing", async () => {
  const { delivery, settled, incoming, log } = setUp(
    async (event) => {
      await event.ack();
      throw new Error("afterwards");
    },
    { ack: "manual", retry: { retries: 5 } },
  );
  delivery.take(incoming("a"));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(settled, [["handled", 1]]);
  assert.match(log.join(""), /failed after its verdict: afterwards/);
});

test("an engine that can't be told is logged, and the subscription goes on", async () => {
  const { delivery, settled, incoming, log } = setUp(() => {});
  delivery.take({ ...incoming("a"), settle: () => Promise.reject(new Error("gone")) });
  delivery.take({
    ...incoming("b"),
    settle() {
      throw new Error("gone at once");
    },
  });
  delivery.take(incoming("c"));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(settled, [["handled", 1]]);
  assert.equal(log.filter((line) => line.includes('could not be told "handled": gone')).length, 2);
});

test("room is given in the order of asking, while less than maxInFlight and the backlog are in hand", async () => {
  const release: (() => void)[] = [];
  const { delivery, incoming } = setUp(
    () => new Promise((resolve) => release.push(resolve)),
    { maxInFlight: 1 },
    { backlog: 1 },
  );
  const rooms: string[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    delivery.room().then((room) => {
      rooms.push(name);
      if (name === "b") room?.release();
      else room?.take(incoming(name));
    });
  }
  await nextTurn();
  // b gave its room up, so c has it; d has to wait for a.
  assert.deepEqual(rooms, ["a", "b", "c"]);
  assert.equal(delivery.inHand, 2);
  release.shift()?.();
  await nextTurn();
  assert.deepEqual(rooms, ["a", "b", "c", "d"]);
  release.shift()?.();
  await nextTurn();
  release.shift()?.();
  await delivery.stop();
});

test("a wait for room that is given up leaves the others their order", async () => {
  const release: (() => void)[] = [];
  const { delivery, incoming } = setUp(() => new Promise((resolve) => release.push(resolve)), {
    maxInFlight: 1,
  });
  delivery.take(incoming("a"));
  const giveUp = new AbortController();
  const given = delivery.room(giveUp.signal);
  const next = delivery.room();
  giveUp.abort();
  assert.equal(await given, undefined);
  release.shift()?.();
  const room = await next;
  assert.ok(room !== undefined);
  room.release();
  await delivery.stop();
});

test("stop gives waiting messages back, ends waits for room, and keeps its word about promised rooms", async () => {
  const release: (() => void)[] = [];
  const handled: string[] = [];
  const { delivery, settled, incoming } = setUp(
    async ({ message }) => {
      await new Promise<void>((resolve) => release.push(resolve));
      handled.push(String(message.body));
    },
    { maxInFlight: 1 },
    { backlog: 2 },
  );
  delivery.take(incoming("running"));
  delivery.take(incoming("waiting"));
  const promised = await delivery.room();
  const waiter = delivery.room();
  const stopped = delivery.stop();
  assert.equal(await waiter, undefined);
  assert.equal(await delivery.room(), undefined);
  delivery.take(incoming("late"));
  assert.deepEqual(settled, [
    ["returned", 0],
    ["returned", 0],
  ]);
  release.shift()?.();
  promised?.take(incoming("promised"));
  await nextTurn();
  release.shift()?.();
  await Promise.all([stopped, delivery.stop()]);
  assert.deepEqual(handled, ["running", "promised"]);
});

test("stop still handles what can't be given back", async () => {
  const handled: string[] = [];
  const { delivery } = setUp(
    async ({ message }) => {
      await nextTurn();
      handled.push(String(message.body));
    },
    { maxInFlight: 1 },
  );
  for (const text of ["a", "b", "c"]) delivery.take({ message: { header: {}, body: Buffer.from(text) } });
  await delivery.stop();
  assert.deepEqual(handled, ["a", "b", "c"]);
});

test("stop moves a message that waits for its retry to the dead letter topic, or gives it back", async () => {
  const events: Event[] = [];
  const { delivery, settled, published, incoming } = setUp(
    (event) => {
      events.push(event);
      throw new Error("always");
    },
    { retry: { retries: 5, backoffMs: 3_600_000, maxBackoffMs: 3_600_000 }, deadLetter: "dead" },
    { random: () => 1 },
  );
  delivery.take(incoming("a"));
  delivery.take({ message: incoming("b").message });
  await nextTurn();
  await delivery.stop();
  assert.equal(events.length, 2);
  assert.deepEqual(settled, [["returned", 1]]);
  assert.deepEqual(
    published.map(([topic, { header }]) => [topic, header["Micro-Id"], header["Micro-Attempts"]]),
    [["dead", "b", "1"]],
  );
});

test("waits are doubled up to their limit, with full jitter", async (t) => {
  const waits: number[] = [];
  const real = globalThis.setTimeout;
  t.mock.method(globalThis, "setTimeout", (run: () => void, ms: number) => {
    waits.push(ms);
    return real(run, 0);
  });
  const { delivery, settled, incoming } = setUp(
    () => Promise.reject(new Error("always")),
    { retry: { retries: 5, backoffMs: 100, maxBackoffMs: 500 } },
    { random: () => 0.5 },
  );
  delivery.take(incoming("a"));
  while (delivery.inHand > 0) await nextTurn();
  assert.deepEqual(waits, [50, 100, 200, 250, 250]);
  assert.deepEqual(settled, [["dropped", 6]]);
});

test("what a broker can't do is refused with the option, the broker and those that can", () => {
  const broker = { name: "simple", supports: { ack: false, queue: false, order: false, redelivery: false } };
  assert.throws(() => planSubscription(broker, "t", { ack: "manual" }), {
    code: 501,
    reason: "not-supported",
    detail: 'broker simple does not support ack: "manual"; of the built-in brokers memory can',
  });
  assert.throws(() => planSubscription(broker, "t", { queue: "q" }), {
    code: 501,
    detail: 'broker simple does not support queue: "q"; of the built-in brokers memory and http can',
  });
});
