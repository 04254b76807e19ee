import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { Broker, Message } from "../../src/broker/broker.ts";
import { newHttpBroker } from "../../src/broker/http.ts";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { messageIds } from "../../src/client/message-ids.ts";
import { newClient } from "../../src/client/mucp.ts";
import { CallContext } from "../../src/context.ts";
import { newMetadata } from "../../src/metadata.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a message has go-micro's three headers, the metadata and the encoded body", async (t) => {
  const { broker, messages } = await recordedTopic(t, "user.created");
  const client = newClient({ parts: { broker } });
  t.after(() => client.close());
  const context = new CallContext({
    metadata: newMetadata({ "Micro-Trace-Id": "t1", Authorization: "Bearer x" }),
  });
  await client.publish("user.created", { id: "42" }, { metadata: { "x-tenant": "acme" }, context });
  const [message] = await messages(1);
  assert.equal(Buffer.from(message?.body ?? []).toString(), '{"id":"42"}\n');
  const { "Micro-Id": id = "", ...header } = message?.header ?? {};
  assert.match(id, uuid);
  assert.deepEqual(header, {
    "Content-Type": "application/json",
    "Micro-Topic": "user.created",
    "Micro-Trace-Id": "t1",
    "X-Tenant": "acme",
  });
});

test("each message has an id of its own", () => {
  const newId = messageIds();
  const otherId = messageIds();
  const ids = new Set(Array.from({ length: 1_000 }, () => [newId(), otherId()]).flat());
  assert.equal(ids.size, 2_000);
  for (const id of ids) assert.match(id, uuid);
});

test("an exchange replaces the broker's topic, not the message's", async (t) => {
  const { broker, messages } = await recordedTopic(t, "audit");
  const client = newClient({ parts: { broker }, contentType: "application/octet-stream" });
  t.after(() => client.close());
  await client.publish("user.created", new Uint8Array([1, 2]), { exchange: "audit" });
  const [message] = await messages(1);
  assert.deepEqual([...(message?.body ?? [])], [1, 2]);
  assert.equal(message?.header["Micro-Topic"], "user.created");
  assert.equal(message?.header["Content-Type"], "application/octet-stream");
});

test("the broker is connected once, by the first publish; after a failure the next one tries again", async (t) => {
  let failures = 1;
  let connects = 0;
  const published: string[] = [];
  const broker = {
    connect: async () => {
      connects++;
      if (failures-- > 0) throw new Error("no route");
    },
    publish: async (topic: string) => void published.push(topic),
  } as unknown as Broker;
  const client = newClient({ parts: { broker } });
  t.after(() => client.close());
  assert.equal(connects, 0);
  await assert.rejects(client.publish("a", 1), /no route/);
  await Promise.all([client.publish("b", 1), client.publish("c", 1)]);
  assert.equal(connects, 2);
  assert.deepEqual(published, ["b", "c"]);
});

test("a broker made of another one sees all that is published", async (t) => {
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  const broker = newHttpBroker({ parts: { registry } });
  t.after(() => broker.disconnect());
  assert.notEqual(broker.publishText, undefined);
  const published: string[] = [];
  const wrapped: Broker = {
    ...broker,
    publish(topic, message, options) {
      published.push(topic);
      return broker.publish(topic, message, options);
    },
  };
  const client = newClient({ parts: { broker: wrapped } });
  t.after(() => client.close());
  await client.publish("a", { b: 1 });
  assert.deepEqual(published, ["a"]);
});

test("what can't be encoded is refused and not published", async (t) => {
  const published: string[] = [];
  const broker = {
    connect: async () => {},
    publish: async (topic: string) => void published.push(topic),
  } as unknown as Broker;
  const client = newClient({ parts: { broker } });
  t.after(() => client.close());
  await assert.rejects(client.publish("a", 1n), { reason: "encode-failed" });
  await assert.rejects(client.publish("a", 1, { contentType: "application/wrong" }), {
    reason: "unsupported-content-type",
  });
  assert.deepEqual(published, []);
});

/** A topic of a hub of its own, and the messages that came. */
async function recordedTopic(
  t: TestContext,
  topic: string,
): Promise<{ broker: Broker; messages: (count: number) => Promise<Message[]> }> {
  const addresses = [randomUUID()];
  const broker = newMemoryBroker({ addresses });
  const subscriber = newMemoryBroker({ addresses });
  await subscriber.connect();
  const received: Message[] = [];
  let arrived = (): void => {};
  await subscriber.subscribe(topic, ({ message }) => {
    received.push(message);
    arrived();
  });
  t.after(async () => {
    await broker.disconnect();
    await subscriber.disconnect();
  });
  const messages = async (count: number): Promise<Message[]> => {
    while (received.length < count) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    return received;
  };
  return { broker, messages };
}
