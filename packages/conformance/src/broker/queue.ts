import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { Broker, Message } from "ts-micro/broker";
import { type BrokerBench, rejectsWith, sorted, textMessage, textOf, texts } from "./bench.ts";

export function queueTests(bench: BrokerBench): void {
  bench.test(
    "each message is handled once per queue, and once per subscription without one",
    async (tools) => {
      const { connected, subscribe, topic, inbox, supports } = tools;
      const [first, second, publisher] = [await connected(), await connected(), await connected()];
      if (!supports.queue) return refusesQueues(first, topic);
      const handled = { mail: inbox<string>(), audit: inbox<string>(), all: inbox<string>() };
      // The same process takes part in two queues of one topic, and without a queue too.
      for (const broker of [first, second]) {
        await subscribe(broker, topic, ({ message }) => handled.mail.add(textOf(message)), { queue: "mail" });
      }
      await subscribe(first, topic, ({ message }) => handled.audit.add(textOf(message)), { queue: "audit" });
      await subscribe(first, topic, ({ message }) => handled.all.add(textOf(message)));

      const sent = texts(40);
      await Promise.all(sent.map((text) => publisher.publish(topic, textMessage(text))));
      for (const each of Object.values(handled)) await each.until(sent.length);
      await Promise.all([first.disconnect(), second.disconnect()]);
      for (const [name, each] of Object.entries(handled)) {
        assert.deepEqual(sorted(each.items), sorted(sent), name);
      }
    },
  );

  bench.test(
    "all members of a queue get work",
    async ({ connected, subscribe, topic, inbox, gate: newGate, supports }) => {
      const [first, second, publisher] = [await connected(), await connected(), await connected()];
      if (!supports.queue) return refusesQueues(first, topic);
      const handled = inbox<Broker>();
      const gate = newGate();
      for (const broker of [first, second]) {
        await subscribe(
          broker,
          topic,
          async () => {
            handled.add(broker);
            await gate.passed;
          },
          { queue: "q", maxInFlight: 64 },
        );
      }
      // A random choice misses one of the two in 1 of 2^63 runs.
      await Promise.all(texts(64).map((text) => publisher.publish(topic, textMessage(text))));
      await handled.until(64);
      gate.open();
      assert.equal(new Set(handled.items).size, 2);
    },
  );

  bench.test(
    "one queue name serves many topics, each for itself, where a second one isn't refused",
    async (tools) => {
      const { connected, subscribe, topic, inbox, supports } = tools;
      const [first, second] = [await connected(), await connected()];
      if (!supports.queue) return refusesQueues(first, topic);
      const topics = ["one", "two", "three"].map((name) => `${topic}.${name}`);
      const handled = new Map(topics.map((name) => [name, inbox<string>()]));
      for (const [index, name] of topics.entries()) {
        const handler = ({ message }: { message: Message }) => void handled.get(name)?.add(textOf(message));
        try {
          // In one process, and in two.
          await subscribe(index < 2 ? first : second, name, handler, { queue: "q" });
        } catch (thrown) {
          // Where a queue's name is all there is of it, as with go-micro's of RabbitMQ.
          if (index === 0 || !MicroError.is(thrown)) throw thrown;
          assert.equal(thrown.code, 400, thrown.detail);
          return;
        }
      }
      const sent = texts(20);
      for (const name of topics) {
        await Promise.all(sent.map((text) => second.publish(name, textMessage(`${name} ${text}`))));
      }
      for (const name of topics) await handled.get(name)?.until(sent.length);
      await Promise.all([first.disconnect(), second.disconnect()]);
      for (const name of topics) {
        const expected = sent.map((text) => `${name} ${text}`);
        assert.deepEqual(sorted(handled.get(name)?.items ?? []), sorted(expected), name);
      }
    },
  );

  bench.test("what a queue's member leaves goes to the others", async (tools) => {
    const { connected, subscribe, topic, inbox, supports } = tools;
    const [first, second, publisher] = [await connected(), await connected(), await connected()];
    if (!supports.queue) return refusesQueues(first, topic);
    const handled = inbox<string>();
    const leaving = await subscribe(first, topic, ({ message }) => handled.add(textOf(message)), {
      queue: "q",
    });
    await subscribe(second, topic, ({ message }) => handled.add(textOf(message)), { queue: "q" });
    const [before, during, after] = [texts(20, "before"), texts(20, "during"), texts(20, "after")];
    const publish = (all: string[]) => all.map((text) => publisher.publish(topic, textMessage(text)));
    await Promise.all(publish(before));
    await Promise.all([...publish(during), leaving.unsubscribe()]);
    await Promise.all(publish(after));
    const sent = [...before, ...during, ...after];
    await handled.until(sent.length);
    await second.disconnect();
    assert.deepEqual(sorted(handled.items), sorted(sent));
  });
}

async function refusesQueues(broker: Broker, topic: string): Promise<void> {
  await rejectsWith(
    broker.subscribe(topic, () => {}, { queue: "q" }),
    { code: 501, reason: "not-supported", mentions: ["queue", broker.name] },
  );
}
