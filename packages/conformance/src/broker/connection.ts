import assert from "node:assert/strict";
import { brokerShape } from "ts-micro/broker";
import { type BrokerBench, rejectsWith, textMessage, textOf } from "./bench.ts";

export function connectionTests(bench: BrokerBench): void {
  bench.test("has every member of the interface", async ({ create }) => {
    const broker = create();
    for (const [member, kind] of Object.entries(brokerShape)) {
      const found: unknown = Reflect.get(broker, member);
      if (kind.endsWith("?") && found === undefined) continue;
      const wanted = kind.startsWith("promise") ? "function" : kind === "string" ? "string" : "object";
      assert.equal(typeof found, wanted, member);
    }
    assert.equal(typeof broker[Symbol.asyncDispose], "function");
    assert.match(broker.name, /^[a-z][a-z0-9-]*$/);
    const { ack, queue, order, redelivery } = broker.supports;
    for (const ability of [ack, queue, order, redelivery]) assert.equal(typeof ability, "boolean");
  });

  bench.test("has no address and refuses to work before connect", async ({ create, topic }) => {
    const broker = create();
    assert.equal(broker.address, "");
    await rejectsWith(broker.publish(topic, textMessage("x")), { code: 503, reason: "not-connected" });
    await rejectsWith(
      broker.subscribe(topic, () => {}),
      { code: 503, reason: "not-connected" },
    );
  });

  bench.test("refuses to work after disconnect, and works again after another connect", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const broker = await connected();
    await broker.disconnect();
    assert.equal(broker.address, "");
    await rejectsWith(broker.publish(topic, textMessage("x")), { code: 503, reason: "not-connected" });
    await rejectsWith(
      broker.subscribe(topic, () => {}),
      { code: 503, reason: "not-connected" },
    );

    await broker.connect();
    const arrived = inbox<string>();
    await subscribe(broker, topic, ({ message }) => arrived.add(textOf(message)));
    await broker.publish(topic, textMessage("again"));
    assert.deepEqual(await arrived.until(1), ["again"]);
  });

  bench.test("connecting and disconnecting twice is once", async ({ connected, create, topic }) => {
    const broker = await connected();
    await broker.connect();
    await broker.publish(topic, textMessage("x"));
    await Promise.all([broker.disconnect(), broker.disconnect()]);
    await broker.disconnect();
    await broker[Symbol.asyncDispose]();
    await create().disconnect();
  });

  bench.test("one broker's disconnect leaves the others working", async (tools) => {
    const { connected, subscribe, topic, inbox } = tools;
    const [gone, publisher, subscriber] = [await connected(), await connected(), await connected()];
    const arrived = inbox<string>();
    await subscribe(subscriber, topic, ({ message }) => arrived.add(textOf(message)));
    await gone.disconnect();
    await publisher.publish(topic, textMessage("x"));
    assert.deepEqual(await arrived.until(1), ["x"]);
  });

  bench.test("publishing to nobody succeeds", async ({ connected, topic }) => {
    const broker = await connected();
    await broker.publish(topic, textMessage("x"));
    await broker.publish(topic, textMessage("y"));
  });

  bench.test("a publish whose signal has aborted is cancelled", async ({ connected, topic }) => {
    const broker = await connected();
    const signal = AbortSignal.abort();
    await rejectsWith(broker.publish(topic, textMessage("x"), { signal }), {
      code: 499,
      reason: "cancelled",
    });
  });

  bench.test("options that make no sense are refused with their name", async ({ connected, topic }) => {
    const broker = await connected();
    for (const [options, name] of [
      [{ maxInFlight: 0 }, "maxInFlight"],
      [{ maxInFlight: 1.5 }, "maxInFlight"],
      [{ maxInFlight: Number.NaN }, "maxInFlight"],
      [{ retry: { retries: -1 } }, "retries"],
      [{ retry: { retries: 1, backoffMs: -1 } }, "backoffMs"],
      [{ retry: { retries: 1, maxBackoffMs: Number.POSITIVE_INFINITY } }, "maxBackoffMs"],
      [{ deadLetter: topic }, "deadLetter"],
      [{ deadLetter: "" }, "deadLetter"],
      [{ queue: "" }, "queue"],
    ] as const) {
      await rejectsWith(
        broker.subscribe(topic, () => {}, options),
        { code: 400, mentions: [topic, name] },
      );
    }
    await rejectsWith(
      broker.subscribe("", () => {}),
      { code: 400 },
    );
    await rejectsWith(broker.publish("", textMessage("x")), { code: 400 });
  });
}
