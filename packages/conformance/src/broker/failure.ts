import assert from "node:assert/strict";
import { badRequest, getMetadata, MicroError } from "ts-micro";
import type { Message } from "ts-micro/broker";
import { type BrokerBench, sorted, textMessage, textOf, texts } from "./bench.ts";

export function failureTests(bench: BrokerBench): void {
  bench.test("a handler that fails loses its message, and gets the next one", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    const seen = inbox<string>();
    await subscribe(broker, topic, ({ message }) => {
      const text = textOf(message);
      seen.add(text);
      if (text === "throws") throw new Error("thrown");
      if (text === "nothing") throw undefined;
      return text === "rejects" ? Promise.reject(new Error("rejected")) : undefined;
    });
    for (const text of ["throws", "rejects", "nothing", "fine"])
      await broker.publish(topic, textMessage(text));
    await seen.until(4);
    await broker.disconnect();
    assert.deepEqual(sorted(seen.items), ["fine", "nothing", "rejects", "throws"]);
  });

  bench.test("a failed handler is tried again as often as the policy says", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    const seen = inbox<string>();
    await subscribe(
      broker,
      topic,
      ({ message, attempt }) => {
        const text = textOf(message);
        seen.add(`${text} ${attempt}`);
        message.body.fill(0x21);
        if (text === "never" || attempt < 3) throw new Error("not yet");
      },
      { retry: { retries: 3, backoffMs: 1, maxBackoffMs: 2 } },
    );
    await broker.publish(topic, textMessage("never"));
    await broker.publish(topic, textMessage("third"));
    await seen.until(7);
    await broker.disconnect();
    assert.deepEqual(sorted(seen.items), [
      ...[1, 2, 3, 4].map((attempt) => `never ${attempt}`),
      ...[1, 2, 3].map((attempt) => `third ${attempt}`),
    ]);
  });

  bench.test(
    "a message whose retries are used up goes to the dead letter topic, once and whole",
    async (tools) => {
      const { connected, subscribe, topic, inbox } = tools;
      const broker = await connected();
      const dead = inbox<Message>();
      const attempts = inbox<number>();
      await subscribe(broker, `${topic}.dead`, ({ message }) => dead.add(message));
      await subscribe(
        broker,
        topic,
        ({ message, attempt }) => {
          attempts.add(attempt);
          message.body.fill(0x21);
          message.header["X-Key"] = "changed";
          throw badRequest("my.id", "no good");
        },
        { retry: { retries: 1, backoffMs: 1 }, deadLetter: `${topic}.dead` },
      );
      await broker.publish(topic, textMessage("bad", { "X-Key": "value", "Micro-Id": "7" }));
      const [letter] = await dead.until(1);
      await broker.disconnect();
      assert.ok(letter !== undefined);
      assert.deepEqual(attempts.items, [1, 2]);
      assert.equal(dead.items.length, 1);
      const header = (key: string): string => getMetadata(letter.header, key) ?? "";
      assert.deepEqual([textOf(letter), header("X-Key"), header("Micro-Id")], ["bad", "value", "7"]);
      assert.deepEqual(
        MicroError.parse(header("Micro-Error")).toJSON(),
        badRequest("my.id", "no good").toJSON(),
      );
      assert.equal(header("Micro-Attempts"), "2");
      assert.equal(header("Micro-Dead-Topic"), topic);
      assert.equal(header("Micro-Topic"), `${topic}.dead`);
      assert.match(header("Micro-Error-Stack"), /no good/);
    },
  );

  bench.test("without retries the first failure goes to the dead letter topic", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    const dead = inbox<string>();
    await subscribe(broker, `${topic}.dead`, ({ message }) => dead.add(textOf(message)));
    await subscribe(
      broker,
      topic,
      ({ message }) => {
        const text = textOf(message);
        message.body.fill(0x21);
        if (text.endsWith("1")) throw "a text";
      },
      { deadLetter: `${topic}.dead` },
    );
    for (const text of texts(3)) await broker.publish(topic, textMessage(text));
    await dead.until(1);
    await broker.disconnect();
    assert.deepEqual(dead.items, ["m1"]);
  });
}
