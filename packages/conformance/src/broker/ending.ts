import assert from "node:assert/strict";
import { type BrokerBench, rejectsWith, textMessage, textOf } from "./bench.ts";

export function endingTests(bench: BrokerBench): void {
  bench.test("unsubscribe waits for the running handler, and none starts afterwards", async (tools) => {
    const { connected, subscribe, topic, inbox, gate: newGate } = tools;
    const broker = await connected();
    const started = inbox<string>();
    const other = inbox<string>();
    const gate = newGate();
    let ended = false;
    const subscription = await subscribe(broker, topic, async ({ message }) => {
      started.add(textOf(message));
      await gate.passed;
      await new Promise(setImmediate);
      ended = true;
    });
    await subscribe(broker, topic, ({ message }) => other.add(textOf(message)));
    assert.equal(subscription.topic, topic);
    await broker.publish(topic, textMessage("first"));
    await started.until(1);

    const ending = [subscription.unsubscribe(), subscription.unsubscribe()];
    assert.equal(ended, false);
    gate.open();
    await Promise.all(ending);
    assert.equal(ended, true);
    await subscription.unsubscribe();

    await broker.publish(topic, textMessage("second"));
    await other.until(2);
    await broker.disconnect();
    assert.deepEqual(started.items, ["first"]);
  });

  bench.test("a subscription ends with `await using`", async ({ connected, subscribe, topic, inbox }) => {
    const broker = await connected();
    const arrived = inbox<string>();
    const subscription = await subscribe(broker, topic, ({ message }) => arrived.add(textOf(message)));
    await broker.publish(topic, textMessage("first"));
    await arrived.until(1);
    await subscription[Symbol.asyncDispose]();
    await broker.publish(topic, textMessage("second"));
    await broker.disconnect();
    assert.deepEqual(arrived.items, ["first"]);
  });

  bench.test("a signal ends the subscription", async ({ connected, subscribe, topic, inbox }) => {
    const broker = await connected();
    const ending = new AbortController();
    const [arrived, other] = [inbox<string>(), inbox<string>()];
    const subscription = await subscribe(broker, topic, ({ message }) => arrived.add(textOf(message)), {
      signal: ending.signal,
    });
    await subscribe(broker, topic, ({ message }) => other.add(textOf(message)));
    await broker.publish(topic, textMessage("first"));
    await arrived.until(1);
    ending.abort();
    // Awaiting `unsubscribe` would end it too, so messages are sent until one no longer arrives.
    for (let sent = 2, before = 0; before !== arrived.items.length; sent++) {
      assert.ok(sent < 1_000, "the subscription goes on after its signal has aborted");
      before = arrived.items.length;
      await broker.publish(topic, textMessage("next"));
      await other.until(sent);
      await new Promise(setImmediate);
    }
    const seen = arrived.items.length;
    await subscription.unsubscribe();
    await broker.publish(topic, textMessage("last"));
    await broker.disconnect();
    assert.equal(arrived.items.length, seen);
    await broker.connect();
    await rejectsWith(
      broker.subscribe(topic, () => {}, { signal: ending.signal }),
      { code: 499, reason: "cancelled" },
    );
  });

  bench.test("a message that waits for its retry doesn't hold up the end", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    const seen = inbox<number>();
    const subscription = await subscribe(
      broker,
      topic,
      ({ attempt }) => {
        seen.add(attempt);
        throw new Error("always");
      },
      { retry: { retries: 5, backoffMs: 3_600_000, maxBackoffMs: 3_600_000 } },
    );
    await broker.publish(topic, textMessage("x"));
    await seen.until(1);
    await subscription.unsubscribe();
    assert.deepEqual(seen.items, [1]);
  });

  bench.test("disconnect lets running handlers end, and lets them publish", async (tools) => {
    const { connected, subscribe, topic, inbox, gate: newGate } = tools;
    const [broker, other] = [await connected(), await connected()];
    const started = inbox<string>();
    const answers = inbox<string>();
    const gate = newGate();
    await subscribe(other, `${topic}.answer`, ({ message }) => answers.add(textOf(message)));
    await subscribe(broker, topic, async ({ message }) => {
      started.add(textOf(message));
      await gate.passed;
      await broker.publish(`${topic}.answer`, message);
    });
    await other.publish(topic, textMessage("x"));
    await started.until(1);
    const disconnected = broker.disconnect();
    gate.open();
    await disconnected;
    assert.deepEqual(await answers.until(1), ["x"]);
  });

  bench.test("a handler may end its own subscription", async ({ connected, subscribe, topic, inbox }) => {
    const broker = await connected();
    const seen = inbox<string>();
    const ended = inbox<true>();
    const subscription = await subscribe(
      broker,
      topic,
      ({ message }) => {
        seen.add(textOf(message));
        subscription.unsubscribe().then(() => ended.add(true));
      },
      { maxInFlight: 1 },
    );
    await broker.publish(topic, textMessage("first"));
    await ended.until(1);
    await broker.publish(topic, textMessage("second"));
    await broker.disconnect();
    assert.deepEqual(seen.items, ["first"]);
  });
}
