import assert from "node:assert/strict";
import { getMetadata } from "ts-micro";
import type { Event } from "ts-micro/broker";
import { type BrokerBench, rejectsWith, sorted, textMessage, textOf, texts } from "./bench.ts";

export function deliveryTests(bench: BrokerBench): void {
  bench.test("a message arrives as it was published", async ({ connected, subscribe, topic, inbox }) => {
    const [publisher, subscriber] = [await connected(), await connected()];
    const arrived = inbox<Event>();
    await subscribe(subscriber, topic, (event) => arrived.add(event), { maxInFlight: 1 });
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    const bodies = [every, new Uint8Array(0), Buffer.from("käse ☕"), new Uint8Array(1024 * 1024).fill(7)];
    for (const [index, body] of bodies.entries()) {
      const header = { "Content-Type": "application/json", "Micro-Id": `id-${index}`, "X-Text": 'é "<&> ☕' };
      await publisher.publish(topic, { header, body });
      const event = (await arrived.until(index + 1))[index];
      assert.ok(event !== undefined);
      assert.equal(Buffer.compare(event.message.body, body), 0, `body ${index}`);
      assert.equal(event.topic, topic);
      assert.equal(event.attempt, 1);
      for (const [key, value] of Object.entries(header)) {
        assert.equal(getMetadata(event.message.header, key), value);
      }
      assert.equal(event.message.header["Micro-Topic"], topic);
      assert.deepEqual(header["Micro-Id"], `id-${index}`, "the publisher's own header was changed");
      // Acknowledging is for `ack: "manual"`; otherwise it does nothing.
      await event.ack();
      await event.nack();
    }
  });

  bench.test("a text arrives as the message that its parts are", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const [publisher, subscriber] = [await connected(), await connected()];
    // Not every broker has a shorter way for it.
    if (publisher.publishText === undefined) return;
    const arrived = inbox<Event>();
    await subscribe(subscriber, topic, (event) => arrived.add(event));
    const parts = { contentType: "application/json", id: "id-1", metadata: { "X-Text": 'é "<&> ☕' } };
    const header = {
      "Content-Type": "application/json",
      "Micro-Id": "id-1",
      "Micro-Topic": topic,
      ...parts.metadata,
    };
    const bodies = ['{"name":"world"}', '"käse ☕"', "", JSON.stringify("x".repeat(20_000))];
    for (const [index, body] of bodies.entries()) {
      await publisher.publishText(topic, { ...parts, body });
      const { message, text } = (await arrived.until(index + 1))[index] as Event;
      assert.equal(textOf(message), body);
      assert.deepEqual({ ...message.header }, header);
      if (text !== undefined) assert.equal(text.body, body);
    }
    await publisher.disconnect();
    const lost = publisher.publishText(topic, { ...parts, body: "{}" });
    await rejectsWith(lost, { code: 503, reason: "not-connected" });
  });

  bench.test("changing a message afterwards changes nobody else's", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    const arrived = inbox<string>();
    for (let count = 0; count < 2; count++) {
      await subscribe(broker, topic, async ({ message }) => {
        arrived.add(`${textOf(message)} ${message.header["X-Key"]}`);
        message.body.fill(0x21);
        message.header["X-Key"] = "changed";
      });
    }
    const message = textMessage("text", { "X-Key": "value" });
    const published = broker.publish(topic, message);
    message.body.fill(0x3f);
    message.header["X-Key"] = "changed";
    await published;
    assert.deepEqual(await arrived.until(2), ["text value", "text value"]);
  });

  bench.test("every subscription gets every message once", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const [first, second] = [await connected(), await connected()];
    const inboxes = [inbox<string>(), inbox<string>(), inbox<string>()];
    for (const [index, broker] of [first, first, second].entries()) {
      await subscribe(broker, topic, ({ message }) => inboxes[index]?.add(textOf(message)));
    }
    const sent = texts(30);
    await Promise.all(sent.slice(0, 20).map((text) => first.publish(topic, textMessage(text))));
    // By now the publisher may know its subscribers, and go a shorter way.
    for (const text of sent.slice(20)) await first.publish(topic, textMessage(text));
    await Promise.all(inboxes.map((each) => each.until(sent.length)));
    // Whatever was on its way has arrived when everybody has finished.
    await Promise.all([first.disconnect(), second.disconnect()]);
    for (const each of inboxes) assert.deepEqual(sorted(each.items), sorted(sent));
  });

  bench.test("only messages of its own topic arrive", async ({ connected, subscribe, topic, inbox }) => {
    const broker = await connected();
    const arrived = inbox<string>();
    await subscribe(broker, topic, ({ message }) => arrived.add(textOf(message)));
    for (const other of [`${topic}x`, `${topic}.x`, topic.slice(0, -1), topic.toUpperCase()]) {
      await broker.publish(other, textMessage(`on ${other}`));
    }
    await broker.publish(topic, textMessage("mine"));
    await arrived.until(1);
    await broker.disconnect();
    assert.deepEqual(arrived.items, ["mine"]);
  });

  bench.test("messages of one publisher keep their order, if that is promised", async (tools) => {
    const { connected, subscribe, topic, inbox, supports } = tools;
    const [publisher, subscriber] = [await connected(), await connected()];
    const arrived = inbox<string>();
    const failed = new Set<string>();
    const options = { maxInFlight: 1, retry: { retries: 1, backoffMs: 1 } };
    await subscribe(
      subscriber,
      topic,
      async ({ message }) => {
        await new Promise(setImmediate);
        const text = textOf(message);
        if (text.endsWith("3") && !failed.has(text)) {
          failed.add(text);
          throw new Error("once");
        }
        arrived.add(text);
      },
      options,
    );
    const sent = texts(40);
    if (supports.order) await Promise.all(sent.map((text) => publisher.publish(topic, textMessage(text))));
    // Where nothing is promised, the next one is published when the last has arrived.
    else
      for (const [index, text] of sent.entries()) {
        await publisher.publish(topic, textMessage(text));
        await arrived.until(index + 1);
      }
    assert.deepEqual(await arrived.until(sent.length), sent);
  });

  bench.test("no more than maxInFlight messages are handled at once", async (tools) => {
    const { connected, subscribe, topic, inbox, gate: newGate } = tools;
    const [publisher, subscriber] = [await connected(), await connected()];
    const gate = newGate();
    const started = inbox<string>();
    const ended = inbox<string>();
    let running = 0;
    let most = 0;
    const options = { maxInFlight: 3 };
    await subscribe(
      subscriber,
      topic,
      async ({ message }) => {
        running++;
        most = Math.max(most, running);
        started.add(textOf(message));
        await gate.passed;
        running--;
        ended.add(textOf(message));
      },
      options,
    );
    const published = Promise.all(texts(10).map((text) => publisher.publish(topic, textMessage(text))));
    await started.until(3);
    assert.equal(running, 3);
    gate.open();
    await published;
    await ended.until(10);
    assert.equal(most, 3);
  });

  bench.test("a slow subscription doesn't hold up another one", async (tools) => {
    const { connected, subscribe, topic, inbox, gate: newGate } = tools;
    const broker = await connected();
    const gate = newGate();
    const arrived = inbox<string>();
    await subscribe(broker, topic, () => gate.passed, { maxInFlight: 1 });
    await subscribe(broker, topic, ({ message }) => arrived.add(textOf(message)));
    const published = [broker.publish(topic, textMessage("a")), broker.publish(topic, textMessage("b"))];
    assert.deepEqual(sorted(await arrived.until(2)), ["a", "b"]);
    gate.open();
    await Promise.all(published);
  });
}
