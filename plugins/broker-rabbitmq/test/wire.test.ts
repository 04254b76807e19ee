import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import { MicroError, newLogger } from "ts-micro";
import type { Broker, Event, Message } from "ts-micro/broker";
import type { RabbitmqBrokerOptions } from "../src/options.ts";
import { until } from "./messages.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });
const nothing = { header: {}, body: new Uint8Array() };

describe("on the wire", { skip: rabbitmq().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let broker: Broker;
  let other: ChannelModel;
  let channel: ConfirmChannel;
  before(async () => {
    server = await startRabbitmq();
    broker = await connected();
    other = await connect(`amqp://${server.address}`);
    channel = await other.createConfirmChannel();
  });
  after(async () => {
    await other?.close();
    await broker?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  async function connected(options: RabbitmqBrokerOptions = {}): Promise<Broker> {
    const made = newBroker({ addresses: [`amqp://${server.address}`], logger, ...options });
    await made.connect();
    return made;
  }

  /** As go-micro subscribes: declare, consume, bind. */
  async function goQueue(name: string, topic: string, exchange = "micro"): Promise<ConsumeMessage[]> {
    const messages: ConsumeMessage[] = [];
    const { queue } = await channel.assertQueue(name, { durable: false, autoDelete: true });
    await channel.consume(queue, (message) => message !== null && messages.push(message), { noAck: true });
    await channel.bindQueue(queue, exchange, topic);
    return messages;
  }

  /** As go-micro publishes. */
  async function goPublish(topic: string, body: string, headers: object, exchange = "micro"): Promise<void> {
    channel.publish(exchange, topic, Buffer.from(body), { headers });
    await channel.waitForConfirms();
  }

  test("a message is go-micro's: topic as routing key, headers in the table, the body as it is", async () => {
    const messages = await goQueue("", "user.created");
    const header = { "Content-Type": "application/json", "X-Id": "1" };
    await broker.publish("user.created", { header, body: Buffer.from('{"name":"john"}') });
    await until(() => messages.length === 1);
    const [{ fields, properties, content }] = messages as [ConsumeMessage];
    assert.deepEqual([fields.exchange, fields.routingKey], ["micro", "user.created"]);
    assert.deepEqual({ ...properties.headers }, { ...header, "Micro-Topic": "user.created" });
    assert.equal(properties.contentType, undefined);
    assert.equal(properties.deliveryMode, 2);
    assert.equal(content.toString(), '{"name":"john"}');
  });

  test("wildcards are RabbitMQ's, the event says which topic it was; what is no text in a header becomes one", async () => {
    const events: Event[] = [];
    const subscription = await broker.subscribe("shop.*.sold", (event) => void events.push(event), {
      maxInFlight: 1,
    });
    await goPublish("shop.nuts.sold", "hi", { "x-id": "1", "Micro-Topic": "own" });
    await goPublish("shop.bolts.bought", "", {});
    await goPublish("shop.bolts.sold", "", { Count: 3, Yes: true, Bytes: Buffer.from("b"), List: [1] });
    await until(() => events.length === 2);
    await subscription.unsubscribe();
    assert.deepEqual(
      events.map(({ topic, message }) => [
        topic,
        { ...message.header },
        Buffer.from(message.body).toString(),
      ]),
      [
        ["shop.nuts.sold", { "X-Id": "1", "Micro-Topic": "own" }, "hi"],
        [
          "shop.bolts.sold",
          { Count: "3", Yes: "true", Bytes: "b", List: "[1]", "Micro-Topic": "shop.bolts.sold" },
          "",
        ],
      ],
    );
  });

  test("an exchange that go-micro has made, not durable, is used as it is; the log says what that costs", async () => {
    await channel.assertExchange("transient", "topic", { durable: false });
    lines.length = 0;
    await using made = await connected({ exchange: "transient" });
    assert.match(lines.join(""), /exchange "transient" is not durable: .*DurableExchange/);
    const messages = await goQueue("", "t", "transient");
    await made.publish("t", nothing);
    await until(() => messages.length === 1);

    await channel.assertExchange("fanout", "fanout", { durable: false });
    await assert.rejects(connected({ exchange: "fanout" }), { code: 409 });
  });

  test("go-micro's own queues are shared as it declares them, and serve one topic", async () => {
    await using made = await connected({ queues: "go-micro" });
    assert.equal(made.supports.redelivery, false);
    const theirs = await goQueue("mailers", "user.deleted");
    const ours: Event[] = [];
    await made.subscribe("user.deleted", (event) => void ours.push(event), { queue: "mailers" });
    for (let count = 0; count < 10; count++) await goPublish("user.deleted", "", {});
    await until(() => theirs.length + ours.length === 10);
    assert.ok(ours.length > 0 && theirs.length > 0);
    await assert.rejects(
      made.subscribe("user.created", () => {}, { queue: "mailers" }),
      (thrown: unknown) =>
        MicroError.is(thrown) &&
        thrown.code === 400 &&
        /"mailers" is that of "user.deleted"/.test(thrown.detail),
    );
    // With the default, one queue name serves many topics; nothing of one comes to the other.
    const seen: string[] = [];
    for (const topic of ["one", "two"])
      await broker.subscribe(topic, (event) => void seen.push(`${topic} ${event.topic}`), { queue: "q" });
    for (const topic of ["one", "two"]) await broker.publish(topic, nothing);
    await until(() => seen.length === 2);
    assert.deepEqual(seen.sort(), ["one one", "two two"]);
  });

  test("a queue that exists with other properties is 409, and the connection goes on", async () => {
    await channel.assertQueue("q:kind", { durable: false, autoDelete: true });
    await assert.rejects(
      broker.subscribe("kind", () => {}, { queue: "q" }),
      (thrown: unknown) =>
        MicroError.is(thrown) &&
        thrown.code === 409 &&
        /queue "q:kind".*the option `queues`/.test(thrown.detail),
    );
    await broker.publish("kind", nothing);
  });

  test("a dead letter that nobody subscribes to is kept for who subscribes later with queue dead-letters", async () => {
    const fail = (): void => {
      throw new Error("no good");
    };
    await broker.subscribe("orders", fail, { queue: "q", deadLetter: "orders.dead" });
    lines.length = 0;
    await broker.publish("orders", { header: {}, body: Buffer.from("7") });
    await until(() => lines.some((line) => line.includes(`kept in queue "dead-letters:orders.dead"`)));
    const letters: Message[] = [];
    await broker.subscribe("orders.dead", ({ message }) => void letters.push(message), {
      queue: "dead-letters",
    });
    await until(() => letters.length === 1);
    const [{ header, body }] = letters as [Message];
    assert.equal(Buffer.from(body).toString(), "7");
    assert.equal(header["Micro-Dead-Topic"], "orders");
    await broker.publish("orders", { header: {}, body: Buffer.from("8") });
    await until(() => letters.length === 2);
  });

  test("what a handler drops goes to the queue's dead letter exchange", async () => {
    await channel.assertExchange("dropped", "fanout");
    const dropped = await goQueue("", "", "dropped");
    await using made = await connected({ queueArguments: { "x-dead-letter-exchange": "dropped" } });
    const fail = (): void => {
      throw new Error("no good");
    };
    await made.subscribe("dropping", fail, { queue: "q" });
    await made.publish("dropping", { header: {}, body: Buffer.from("7") });
    await until(() => dropped.length === 1);
    assert.equal(dropped[0]?.content.toString(), "7");
  });

  test("a queue that is deleted under its subscription is made again", async () => {
    const seen: string[] = [];
    await broker.subscribe("deleted", ({ message }) => void seen.push(Buffer.from(message.body).toString()), {
      queue: "q",
    });
    lines.length = 0;
    await channel.deleteQueue("q:deleted");
    await until(() =>
      lines.some((line) => line.includes(`the subscription to "deleted" was ended by rabbitmq`)),
    );
    while (seen.length === 0) {
      await broker.publish("deleted", { header: {}, body: Buffer.from("x") });
      await pause(20);
    }
  });

  test("attempts count deliveries that ended with their process", async () => {
    const dying = await connect(`amqp://${server.address}`);
    dying.on("error", () => {});
    await (await broker.subscribe("counted", () => {}, { queue: "q" })).unsubscribe();
    await broker.publish("counted", nothing);
    for (let death = 0; death < 2; death++) {
      const taking = await dying.createChannel();
      await new Promise((resolve) => void taking.consume("q:counted", resolve));
      await taking.close();
    }
    const attempts: number[] = [];
    await broker.subscribe("counted", ({ attempt }) => void attempts.push(attempt), { queue: "q" });
    await until(() => attempts.length === 1);
    assert.deepEqual(attempts, [3]);
    await dying.close();
  });

  test("topics and queues that RabbitMQ can't have are refused with the reason", async () => {
    const long = "x".repeat(256);
    await using small = await connected({ maxMessageBytes: 10 });
    for (const [work, code, text] of [
      [broker.publish("a.*", nothing), 400, /"a.\*": wildcards are for subscribing/],
      [broker.publish("#", nothing), 400, /wildcards are for subscribing/],
      [broker.publish(long, nothing), 400, /at most 255 bytes/],
      [broker.subscribe(long, () => {}), 400, /at most 255 bytes/],
      [broker.subscribe("a", () => {}, { queue: long }), 400, /more than 255 bytes/],
      [broker.publish("a", { header: { long: "x".repeat(70_000) }, body: new Uint8Array() }), 413, /64 KiB/],
      [
        small.publish("a", { header: {}, body: new Uint8Array(11) }),
        413,
        /11 bytes.* 10 \(maxMessageBytes\)/,
      ],
    ] as const) {
      await assert.rejects(work, (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, code);
        assert.match(thrown.detail, text);
        return true;
      });
    }
    assert.throws(() => newBroker({ queues: "other" as "quorum" }), { code: 400 });
    await broker.publish("a", nothing);
  });
});
