import assert from "node:assert/strict";
import type { Broker, Event } from "ts-micro/broker";
import { type BrokerBench, type BrokerTools, rejectsWith, sorted, textMessage, textOf } from "./bench.ts";

export function acknowledgementTests(bench: BrokerBench): void {
  bench.test("a message is in hand until it is acknowledged", async (tools) => {
    const { connected, subscribe, topic, inbox, supports } = tools;
    const broker = await connected();
    if (!supports.ack) return refusesManualAck(broker, topic);
    const events = inbox<Event>();
    await subscribe(broker, topic, (event) => events.add(event), { ack: "manual", maxInFlight: 1 });
    await broker.publish(topic, textMessage("first"));
    await broker.publish(topic, textMessage("second"));
    const [first] = await events.until(1);
    // The handler has returned, and nothing but the acknowledgement can bring the second message.
    await new Promise(setImmediate);
    assert.equal(events.items.length, 1);
    await first?.ack();
    await first?.ack();
    await first?.nack("too late");
    await events.until(2);
    await events.items[1]?.ack();
    await broker.disconnect();
    assert.deepEqual(
      inOrder(
        supports,
        events.items.map(({ message, attempt }) => `${textOf(message)} ${attempt}`),
      ),
      ["first 1", "second 1"],
    );
  });

  bench.test("a message that is given back is retried by the policy", async (tools) => {
    const { connected, subscribe, topic, inbox, supports } = tools;
    const broker = await connected();
    if (!supports.ack) return refusesManualAck(broker, topic);
    const dead = inbox<string>();
    const seen = inbox<string>();
    await subscribe(broker, `${topic}.dead`, ({ message }) => dead.add(message.header["Micro-Error"] ?? ""));
    await subscribe(
      broker,
      topic,
      async (event) => {
        seen.add(`${textOf(event.message)} ${event.attempt}`);
        if (textOf(event.message) === "throws") throw new Error("thrown");
        if (textOf(event.message) === "never" || event.attempt === 1)
          await event.nack(new Error("given back"));
        await event.ack();
      },
      { ack: "manual", retry: { retries: 1, backoffMs: 1 }, deadLetter: `${topic}.dead`, maxInFlight: 1 },
    );
    for (const text of ["later", "never", "throws"]) await broker.publish(topic, textMessage(text));
    await dead.until(2);
    await seen.until(6);
    await broker.disconnect();
    const wanted = ["later 1", "later 2", "never 1", "never 2", "throws 1", "throws 2"];
    assert.deepEqual(inOrder(supports, seen.items), wanted);
    assert.deepEqual(inOrder(supports, dead.items), ["given back", "thrown"]);
  });

  bench.test("what a member of a queue didn't acknowledge goes to another one", async (tools) => {
    const { connected, subscribe, topic, inbox, supports } = tools;
    const [first, second] = [await connected(), await connected()];
    if (!supports.ack) return refusesManualAck(first, topic);
    if (!supports.queue) return;
    const options = { ack: "manual", queue: "q", maxInFlight: 1 } as const;
    const kept = inbox<Event>();
    const handled = inbox<string>();
    const leaving = await subscribe(first, topic, (event) => kept.add(event), options);
    await first.publish(topic, textMessage("seen"));
    await kept.until(1);
    await first.publish(topic, textMessage("waiting"));
    await subscribe(
      second,
      topic,
      async (event) => {
        handled.add(`${textOf(event.message)} ${event.attempt}`);
        await event.ack();
      },
      options,
    );
    await leaving.unsubscribe();
    assert.deepEqual([...(await handled.until(2))].sort(), ["seen 2", "waiting 1"]);
    // The member has given it up; its verdict comes too late.
    await kept.items[0]?.ack();
    await kept.items[0]?.nack();
    await second.disconnect();
    assert.equal(handled.items.length, 2);
    if (supports.redelivery) await comesAgain(tools);
  });
}

/** As they came from a broker that keeps the order; sorted from another one. */
function inOrder(supports: Broker["supports"], items: readonly string[]): readonly string[] {
  return supports.order ? items : sorted(items);
}

/** At-least-once delivery: a message outlives everybody who could have handled it. */
async function comesAgain(tools: BrokerTools): Promise<void> {
  const { connected, subscribe, topic, inbox } = tools;
  const [first, publisher] = [await connected(), await connected()];
  const options = { ack: "manual", queue: "lasting" } as const;
  const kept = inbox<Event>();
  await subscribe(first, `${topic}.lasting`, (event) => kept.add(event), options);
  await publisher.publish(`${topic}.lasting`, textMessage("x"));
  await kept.until(1);
  await first.disconnect();
  const handled = inbox<string>();
  await subscribe(
    await connected(),
    `${topic}.lasting`,
    async (event) => {
      await event.ack();
      handled.add(textOf(event.message));
    },
    options,
  );
  assert.deepEqual(await handled.until(1), ["x"]);
}

async function refusesManualAck(broker: Broker, topic: string): Promise<void> {
  await rejectsWith(
    broker.subscribe(topic, () => {}, { ack: "manual" }),
    { code: 501, reason: "not-supported", mentions: ["ack", broker.name] },
  );
}
