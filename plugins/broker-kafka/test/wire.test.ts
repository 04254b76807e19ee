import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, type ServerProcess, startKafka } from "@ts-micro/conformance";
import kafkajs, { type KafkaMessage } from "kafkajs";
import { MicroError, newLogger } from "ts-micro";
import type { Broker, Event } from "ts-micro/broker";
import { message, until } from "./tools.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });

describe("on the wire", { skip: kafka().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let broker: Broker;
  let other: kafkajs.Kafka;
  before(async () => {
    server = await startKafka();
    broker = newBroker({ addresses: [server.address], logger, partitions: 3 });
    await broker.connect();
    other = new kafkajs.Kafka({ brokers: [server.address], logLevel: kafkajs.logLevel.NOTHING });
  });
  after(async () => {
    await broker?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  test("a message is go-micro's JSON, without Kafka's headers; the key is a header's value and chooses the partition", async () => {
    const body = Buffer.from('{"name":"john"}');
    const header = { "Content-Type": "application/json" };
    await broker.publish("user.created", { header, body });
    for (let count = 0; count < 8; count++) {
      await broker.publish("user.created", { header: { ...header, "micro-key": "john" }, body });
    }
    const found: { partition: number; message: KafkaMessage }[] = [];
    const consumer = other.consumer({ groupId: "look" });
    await consumer.connect();
    await consumer.subscribe({ topics: ["user.created"], fromBeginning: true });
    await consumer.run({ eachMessage: async (each) => void found.push(each) });
    await until(() => found.length === 9);
    await consumer.disconnect();
    const [unkeyed, ...none] = found.filter(({ message: { key } }) => key === null);
    assert.equal(none.length, 0);
    assert.equal(
      String(unkeyed?.message.value),
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"user.created"},"Body":"eyJuYW1lIjoiam9obiJ9"}',
    );
    assert.deepEqual(unkeyed?.message.headers, {});
    const keyed = found.filter(({ message: { key } }) => String(key) === "john");
    assert.equal(keyed.length, 8);
    assert.equal(new Set(keyed.map(({ partition }) => partition)).size, 1);
  });

  test("what can't be read is dropped, logged and committed", async () => {
    const events: Event[] = [];
    const subscription = await broker.subscribe("odd", (event) => void events.push(event), { queue: "q" });
    lines.length = 0;
    const producer = other.producer();
    await producer.connect();
    const values = ["not JSON", null, '{"Header":{"x-id":"1"},"Body":"aGk="}'];
    const messages = values.map((value) => ({ value, partition: 0 }));
    await producer.send({ topic: "odd", messages });
    await producer.disconnect();
    await until(() => events.length === 1);
    await subscription.unsubscribe();
    const [event] = events;
    assert.deepEqual({ ...event?.message.header }, { "X-Id": "1", "Micro-Topic": "odd" });
    assert.equal(lines.filter((line) => /"odd" dropped, it is not a go-micro message/.test(line)).length, 2);
    const admin = other.admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId: "q", topics: ["odd"] });
    await admin.disconnect();
    assert.equal(offsets?.partitions.find(({ partition }) => partition === 0)?.offset, "3");
  });

  test("a group of a subscription without a queue is gone with it", async () => {
    const subscription = await broker.subscribe("alone", () => {});
    const admin = other.admin();
    await admin.connect();
    const mine = async () =>
      (await admin.listGroups()).groups.filter(({ groupId }) => groupId.startsWith("alone-"));
    assert.equal((await mine()).length, 1);
    await subscription.unsubscribe();
    assert.equal((await mine()).length, 0);
    await admin.disconnect();
  });

  test("topics that Kafka can't have, messages that are too large and options that make no sense are refused", async () => {
    const create = (options: object) => async () => newBroker(options);
    for (const [work, code, text] of [
      [() => broker.publish("a b", message(1)), 400, /"a b": Kafka's topics have/],
      [() => broker.subscribe("..", () => {}), 400, /"\.\.": Kafka's topics have/],
      [() => broker.publish("large", { header: {}, body: new Uint8Array(7_000_000) }), 413, /larger|large/i],
      [create({ addresses: ["kafka://a:s3cret@b"] }), 400, /^Kafka address "…@b" is not a host and port/],
      [create({ saslMechanism: "magic" }), 400, /saslMechanism must be .*, is "magic"/],
      [create({ partitions: 0 }), 400, /partitions must be a whole number from 1, is 0/],
      [create({ sessionTimeoutMs: 1 }), 400, /sessionTimeoutMs must be milliseconds from 1000/],
    ] as const) {
      await assert.rejects(work, (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.detail, text);
        return true;
      });
    }
  });
});
