import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { AckPolicy, type JetStreamManager, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { NatsBrokerOptions } from "../src/options.ts";
import { numbered, numberOf, numbers, until } from "./tools.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });

describe("JetStream", { skip: nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let other: NatsConnection;
  let manager: JetStreamManager;
  const brokers: Broker[] = [];
  before(async () => {
    server = await startNats({ jetstream: true });
    other = await connect({ servers: server.address });
    manager = await jetstreamManager(other);
  });
  after(async () => {
    await Promise.all(brokers.map((broker) => broker.disconnect()));
    await other?.close();
    await server?.[Symbol.asyncDispose]();
  });

  async function connected(options: NatsBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({ addresses: [server.address], jetstream: true, logger, ...options });
    brokers.push(broker);
    await broker.connect();
    return broker;
  }

  async function refused(work: Promise<unknown>, code: number, text: RegExp): Promise<void> {
    await assert.rejects(work, (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      return true;
    });
  }

  test("streams that are missing are made, with the limits that the README names", async () => {
    const broker = await connected();
    await broker.publish("shop.sold", numbered(1));
    const { config, state } = await manager.streams.info("shop_sold");
    assert.deepEqual(config.subjects, ["shop.sold"]);
    assert.deepEqual(
      [config.retention, config.discard, config.storage, config.num_replicas],
      ["interest", "new", "file", 1],
    );
    assert.deepEqual(
      [config.max_msgs, config.max_bytes, config.max_age / 1e9, config.duplicate_window / 1e9],
      [1_000_000, -1, 7 * 24 * 3600, 120],
    );
    // Nobody has subscribed: nothing is kept.
    assert.equal(state.messages, 0);
  });

  test("an existing stream is used, also for topics with wildcards and with other characters", async () => {
    await manager.streams.add({ name: "HOUSE", subjects: ["house.>"], retention: RetentionPolicy.Limits });
    const broker = await connected();
    const seen: string[] = [];
    const see = (by: string) => (topic: string) => void seen.push(`${by} ${topic}`);
    const [queue, alone] = [see("queue"), see("alone")];
    await broker.subscribe("house.*.open", ({ topic }) => queue(topic), {
      queue: "my.queue, all/of it".replaceAll(" ", ""),
    });
    await broker.subscribe("house.>", ({ topic }) => alone(topic));
    await broker.publish("house.door.open", numbered(1));
    await broker.publish("house.dörr.shut", numbered(2));
    await until(() => seen.length === 3);
    assert.deepEqual([...seen].sort(), [
      "alone house.door.open",
      "alone house.dörr.shut",
      "queue house.door.open",
    ]);
    assert.equal((await manager.streams.info("HOUSE")).state.messages, 2);
  });

  test("a topic with wildcards of which a stream has only a part is refused", async () => {
    const broker = await connected();
    await broker.publish("part.one", numbered(1));
    await refused(
      broker.subscribe("part.*", () => {}),
      400,
      /stream part_one has only part\.one; make one stream with the subject "part\.\*" before/,
    );
  });

  test("a consumer that exists is used; one of another kind is refused", async () => {
    const broker = await connected();
    await broker.publish("made", numbered(0));
    await manager.consumers.add("made", {
      durable_name: "mine@made",
      ack_policy: AckPolicy.Explicit,
      filter_subject: "made",
    });
    await manager.consumers.add("made", { durable_name: "none@made", ack_policy: AckPolicy.None });
    await broker.publish("made", numbered(1));
    const seen: number[] = [];
    await broker.subscribe("made", ({ message }) => void seen.push(numberOf(message)), { queue: "mine" });
    await until(() => seen.length === 1);
    await refused(
      broker.subscribe("made", () => {}, { queue: "none" }),
      400,
      /consumer none@made of stream made has the ack policy none/,
    );
  });

  test("the same id on the same topic is stored once, and the log says so", async () => {
    const broker = await connected();
    const seen: string[] = [];
    for (const topic of ["twice", "twice.other"])
      await broker.subscribe(topic, ({ message }) => void seen.push(`${topic} ${numberOf(message)}`));
    const header = { "Micro-Id": "7" };
    lines.length = 0;
    await broker.publish("twice", { header, body: Buffer.from("1") });
    await broker.publish("twice", { header, body: Buffer.from("2") });
    await broker.publish("twice.other", { header, body: Buffer.from("3") });
    await broker.publish("twice", numbered(4));
    await broker.publish("twice", numbered(4));
    await until(() => seen.length === 4);
    assert.deepEqual([...seen].sort(), ["twice 1", "twice 4", "twice 4", "twice.other 3"]);
    assert.equal(
      lines.filter((line) => /"twice": stream twice has a message with the id 7/.test(line)).length,
      1,
    );
  });

  test("a full stream refuses what is published, and has room again when messages are handled", async () => {
    const broker = await connected({ streamMaxMessages: 10 });
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const seen = new Set<number>();
    await broker.subscribe(
      "full",
      async ({ message }) => {
        await opened;
        seen.add(numberOf(message));
      },
      { queue: "q", maxInFlight: 1 },
    );
    for (const id of numbers(10)) await broker.publish("full", numbered(id));
    await refused(
      broker.publish("full", numbered(10)),
      503,
      /"full": the nats server says: maximum messages/,
    );
    open();
    await until(() => seen.size === 10);
    for (;;) {
      try {
        await broker.publish("full", numbered(11));
        break;
      } catch (thrown) {
        assert.equal(MicroError.from(thrown).code, 503);
      }
    }
    await until(() => seen.has(11));
  });

  test("dead letters stay in their stream, with or without subscribers", async () => {
    const broker = await connected();
    await broker.subscribe(
      "bad",
      () => {
        throw new Error("no good");
      },
      { queue: "q", deadLetter: "bad.dead" },
    );
    await broker.publish("bad", numbered(3));
    let stored = 0;
    while (stored === 0) stored = (await manager.streams.info("bad_dead")).state.messages;
    const letter = await manager.streams.getMessage("bad_dead", { last_by_subj: "bad.dead" });
    assert.match(letter?.string() ?? "", /"Micro-Error":"no good"/);
  });

  test("a handler that takes long keeps its message, which is delivered once", async () => {
    const broker = await connected({ ackWaitMs: 300 });
    const attempts: number[] = [];
    let ended = false;
    await broker.subscribe(
      "long",
      async ({ attempt }) => {
        attempts.push(attempt);
        await pause(2_000);
        ended = true;
      },
      { queue: "q" },
    );
    await broker.publish("long", numbered(1));
    await until(() => ended);
    assert.deepEqual(attempts, [1]);
    const { delivered, num_ack_pending, num_redelivered } = await manager.consumers.info("long", "q@long");
    assert.deepEqual([delivered.consumer_seq, num_redelivered], [1, 0]);
    assert.ok(num_ack_pending <= 1);
  });

  test("a subscription that is busy for longer than it may be away is not forgotten", async () => {
    const broker = await connected({ awayMs: 1_000 });
    const seen: number[] = [];
    await broker.subscribe(
      "busy",
      async ({ message }) => {
        seen.push(numberOf(message));
        if (seen.length === 1) await pause(4_000);
      },
      { maxInFlight: 1 },
    );
    for (const id of [1, 2]) await broker.publish("busy", numbered(id));
    await until(() => seen.length === 2);
    assert.deepEqual(seen, [1, 2]);
  });

  test("a consumer that somebody deletes is made again, and the log says so", async () => {
    const broker = await connected();
    const seen = new Set<number>();
    await broker.subscribe("gone", ({ message }) => void seen.add(numberOf(message)), { queue: "q" });
    await broker.publish("gone", numbered(1));
    await until(() => seen.has(1));
    await manager.consumers.delete("gone", "q@gone");
    await until(() => lines.some((line) => /forgotten the subscription of "gone"/.test(line)));
    await broker.publish("gone", numbered(2));
    await until(() => seen.has(2));
  });

  test("a subscription without a queue leaves nothing behind; a queue stays", async () => {
    const broker = await connected();
    const alone = await broker.subscribe("left", () => {});
    const queue = await broker.subscribe("left", () => {}, { queue: "q" });
    await Promise.all([alone.unsubscribe(), queue.unsubscribe()]);
    const left: string[] = [];
    for await (const { name } of manager.consumers.list("left")) left.push(name);
    assert.deepEqual(left, ["q@left"]);
  });

  test("go-micro's subscribers get what is published, and its publishers are heard", async () => {
    const broker = await connected();
    const heard: string[] = [];
    other.subscribe("shared", { callback: (_, { data }) => void heard.push(Buffer.from(data).toString()) });
    await other.flush();
    const seen: number[] = [];
    await broker.subscribe("shared", ({ message }) => void seen.push(numberOf(message)));
    await broker.publish("shared", numbered(1));
    other.publish("shared", '{"Header":{},"Body":"Mg=="}');
    await until(() => seen.length === 2 && heard.length === 2);
    assert.deepEqual(seen, [1, 2]);
    const json = '{"Header":{"Content-Type":"application/json","Micro-Topic":"shared"},"Body":"MQ=="}';
    assert.equal(heard[0], json);
  });

  test("a server without JetStream, and options that make no sense, are refused with the reason", async () => {
    await using plain = await startNats();
    const broker = newBroker({ addresses: [plain.address], jetstream: true, logger });
    await refused(broker.connect(), 501, /has no JetStream for this account; enable it there/);
    assert.equal(broker.address, "");
    assert.throws(
      () => newBroker({ ackWaitMs: 10 }),
      (thrown: unknown) =>
        MicroError.is(thrown) && /ackWaitMs must be a whole number from 300, is 10/.test(thrown.detail),
    );
  });
});
