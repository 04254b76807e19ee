import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { type Message, messageHeaders } from "../../src/broker/broker.ts";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { MicroError, serviceUnavailable } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMetadata } from "../../src/metadata.ts";
import { serverSettings } from "../../src/server/options.ts";
import type { ServerOptions, Subscriber, SubscriberHandler } from "../../src/server/server.ts";
import { newSubscriptions } from "../../src/server/subscriber.ts";

function setUp(context: TestContext, options: ServerOptions = {}) {
  const lines: string[] = [];
  const logger = newLogger({ write: (line) => lines.push(line) });
  const broker = newMemoryBroker({ addresses: [randomUUID()], logger });
  const settings = serverSettings({ logger, ...options });
  const subscriptions = newSubscriptions({ settings, parts: { broker } });
  context.after(async () => {
    await subscriptions.close();
    await broker.disconnect();
  });
  return { broker, subscriptions, lines };
}

function on(topic: string, run: SubscriberHandler<never>, options: Subscriber["options"] = {}): Subscriber {
  return { topic, run: run as SubscriberHandler, options };
}

function json(value: unknown, header: Record<string, string> = {}): Message {
  return {
    header: newMetadata({ [messageHeaders.contentType]: "application/json", ...header }),
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}

/** A function that notes what it gets, and a promise for the first `count` of it. */
function recorder(count: number) {
  const got: unknown[] = [];
  let enough = (): void => {};
  const all = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const note = (value: unknown): void => {
    got.push(value);
    if (got.length === count) enough();
  };
  return { got, all, note };
}

test("each subscriber of a topic gets each message once, decoded, with its headers", async (context) => {
  const { broker, subscriptions } = setUp(context);
  const { got, all, note } = recorder(4);
  for (const name of ["a", "b"]) {
    subscriptions.add(
      on("user.created", (body: { id: number }, { topic, attempt, metadata }) => {
        note([name, body.id, topic, attempt, metadata["X-Tenant"]]);
      }),
    );
  }
  await subscriptions.open();
  await broker.publish("user.created", json({ id: 1 }, { "x-tenant": "t" }));
  await broker.publish("user.created", json({ id: 2 }, { "x-tenant": "t" }));
  await all;
  assert.deepEqual(got.map(String).sort(), [
    "a,1,user.created,1,t",
    "a,2,user.created,1,t",
    "b,1,user.created,1,t",
    "b,2,user.created,1,t",
  ]);
});

test("no subscriber: the broker is not even connected", async (context) => {
  const { broker, subscriptions } = setUp(context);
  await subscriptions.open();
  assert.equal(broker.address, "");
});

test("a body that can't be decoded doesn't reach the handler, and is a failed delivery", async (context) => {
  const { broker, subscriptions } = setUp(context);
  let calls = 0;
  subscriptions.add(on("orders", () => void calls++, { deadLetter: "orders.dead" }));
  await subscriptions.open();
  const broken = {
    header: newMetadata({ "Content-Type": "application/json" }),
    body: Buffer.from("{broken"),
  };
  // By the broker itself, for the dead letter has the same broken body.
  const watcher = recorder(1);
  await broker.subscribe("orders.dead", (event) => watcher.note(event.message.header["Micro-Error"]));
  await broker.publish("orders", broken);
  await watcher.all;
  assert.match(String(watcher.got[0]), /codec json can't decode/);
  assert.equal(calls, 0);
});

test("what a subscriber throws is the outcome of its own delivery alone", async (context) => {
  const { broker, subscriptions } = setUp(context);
  const attempts = recorder(3);
  const other = recorder(1);
  subscriptions.add(
    on(
      "orders",
      (_body, { attempt }) => {
        attempts.note(attempt);
        if (attempt < 3) throw undefined;
      },
      { retry: { retries: 2, backoffMs: 1 } },
    ),
  );
  subscriptions.add(on("orders", () => other.note("other")));
  await subscriptions.open();
  await broker.publish("orders", json({}));
  await Promise.all([attempts.all, other.all]);
  assert.deepEqual(attempts.got, [1, 2, 3]);
  assert.deepEqual(other.got, ["other"]);
});

test("a gRPC client's event, whose body has no frame, is read", async (context) => {
  const { broker, subscriptions } = setUp(context);
  const { got, all, note } = recorder(1);
  subscriptions.add(on("orders", (body: Uint8Array) => note(Buffer.from(body).toString())));
  await subscriptions.open();
  const header = newMetadata({ "Content-Type": "application/grpc+proto" });
  await broker.publish("orders", { header, body: Buffer.from("raw") });
  await all;
  assert.deepEqual(got, ["raw"]);
});

test("wrappers surround each delivery, the first outermost", async (context) => {
  const { got, all, note } = recorder(3);
  const { broker, subscriptions } = setUp(context, {
    wrapSubscriber: [
      (next) => (body, context) => {
        note("outer");
        return next(body, context);
      },
      (next) => (body, context) => {
        note("inner");
        return next(body, context);
      },
    ],
  });
  subscriptions.add(on("orders", () => note("handler")));
  await subscriptions.open();
  await broker.publish("orders", json({}));
  await all;
  assert.deepEqual(got, ["outer", "inner", "handler"]);
});

test("a subscriber that is added while open is subscribed, and its failure is logged", async (context) => {
  const { broker, subscriptions, lines } = setUp(context);
  await subscriptions.open();
  const { got, all, note } = recorder(1);
  subscriptions.add(on("orders", (body) => note(body)));
  subscriptions.add(on("orders", () => {}, { maxInFlight: -1 }));
  while (got.length === 0) {
    await broker.connect();
    await broker.publish("orders", json("late"));
    await new Promise(setImmediate);
  }
  await all;
  assert.equal(got[0], "late");
  assert.ok(lines.some((line) => /subscribing failed/.test(line) && /topic=orders/.test(line)));
});

test("when one subscription fails, opening fails and none stays", async (context) => {
  const { broker, subscriptions } = setUp(context);
  const { got, note } = recorder(1);
  subscriptions.add(on("orders", (body) => note(body)));
  subscriptions.add(on("orders", () => {}, { maxInFlight: -1 }));
  await assert.rejects(subscriptions.open(), (error) => MicroError.is(error) && error.code === 400);
  await broker.publish("orders", json("nobody"));
  await new Promise(setImmediate);
  assert.deepEqual(got, []);
});

test("closing waits for subscribers that run, and abort tells them", async (context) => {
  const { broker, subscriptions } = setUp(context);
  const { all, note } = recorder(1);
  let ended = false;
  subscriptions.add(
    on("orders", async (_body, { signal }) => {
      note("running");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended = true;
    }),
  );
  await subscriptions.open();
  await broker.publish("orders", json({}));
  await all;
  const closing = subscriptions.close();
  subscriptions.abort(serviceUnavailable("test", "stop"));
  await closing;
  assert.ok(ended);
});

test("an event from elsewhere goes to all subscribers of its topic, and their errors come back", async (context) => {
  const { subscriptions, lines } = setUp(context);
  const { got, note } = recorder(2);
  subscriptions.add(on("orders", (body) => note(body)));
  subscriptions.add(on("other", () => note("never")));
  await subscriptions.dispatch("orders", json(1));
  assert.deepEqual(got, [1]);
  subscriptions.add(
    on("orders", () => {
      throw new Error("boom");
    }),
  );
  subscriptions.add(on("orders", (_body, context) => context.nack("later")));
  await assert.rejects(
    subscriptions.dispatch("orders", json(2)),
    (error) =>
      MicroError.is(error) &&
      error.id === "go.micro.server" &&
      error.code === 500 &&
      error.detail === "subscriber error: boom\nlater",
  );
  assert.deepEqual(got, [1, 2]);
  await subscriptions.dispatch("unknown", json(3));
  assert.ok(lines.some((line) => /topic=unknown/.test(line)));
});

test("subscribers are listed by topic, the last first, the internal ones not", (context) => {
  const { subscriptions } = setUp(context);
  for (const topic of ["a", "c", "b"]) subscriptions.add(on(topic, () => {}));
  subscriptions.add(on("hidden", () => {}, { internal: true }));
  assert.deepEqual(
    subscriptions.endpoints(),
    ["c", "b", "a"].map((topic) => ({
      name: "Func",
      request: null,
      response: null,
      metadata: { topic, subscriber: "true" },
    })),
  );
});

test("a subscriber without topic or function is refused", (context) => {
  const { subscriptions } = setUp(context);
  assert.throws(() => subscriptions.add(on("", () => {})), /no topic/);
  assert.throws(() => subscriptions.add(on("orders", 1 as never)), /the subscriber of orders is a number/);
});

test("an option that there isn't is refused: it may be meant to share the messages", (context) => {
  const { subscriptions } = setUp(context);
  const subscribe = (options: object) => () => subscriptions.add({ topic: "orders", run: () => {}, options });
  assert.throws(
    subscribe({ queu: "a" }),
    /the subscriber of orders has no option queu\. Did you mean queue\?/,
  );
  assert.throws(subscribe({ group: "a" }), /has no option group\. There are queue, ack, /);
});
