import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-kafka";
import { kafka, type ServerProcess, startKafka } from "@ts-micro/conformance";
import kafkajs from "kafkajs";
import { newLogger } from "ts-micro";
import type { Broker, Event, SubscribeOptions } from "ts-micro/broker";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { readRetry, retryTopicOf, writeRetry } from "../src/retry-topic.ts";
import { startRetryWorker } from "./retry-worker.ts";
import { idOf, message, numbers, sorted, until } from "./tools.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });
const anHourMs = 3_600_000;

test("each queue of each topic has a name of its own", () => {
  assert.equal(retryTopicOf("orders", "mailer"), "orders.mailer.retry");
  const places = [
    ["a.b", "c"],
    ["a", "b.c"],
    ["a", "b_2ec"],
    ["a", "b c"],
    ["a", "ü"],
  ] as const;
  const names = places.map(([topic, queue]) => retryTopicOf(topic, queue));
  assert.equal(new Set(names).size, places.length, names.join(", "));
  for (const name of names) assert.match(name, /^[a-zA-Z0-9._-]+$/);
  assert.throws(() => retryTopicOf("t", "q".repeat(242)), /retry topic "t\.q+\.retry" has more than the 249/);
});

test("what stands beside a message is read as it was written, and nonsense as nothing", () => {
  assert.deepEqual(readRetry(writeRetry({ attempts: 3, dueAt: 1_700_000_000_000.5 })), {
    attempts: 3,
    dueAt: 1_700_000_000_001,
  });
  for (const text of ["", "-1", "1e3", "later", "9".repeat(400), Buffer.from([0xff])]) {
    const headers = { "ts-micro-attempts": text, "ts-micro-due-at": [text] };
    assert.deepEqual(readRetry(headers), { attempts: 0, dueAt: 0 });
  }
  assert.deepEqual(readRetry(undefined), { attempts: 0, dueAt: 0 });
});

describe("a topic where messages wait for their retries", { skip: kafka().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  let other: kafkajs.Kafka;
  let admin: kafkajs.Admin;
  let producer: kafkajs.Producer;
  before(async () => {
    server = await startKafka();
    other = new kafkajs.Kafka({ brokers: [server.address], logLevel: kafkajs.logLevel.NOTHING });
    [admin, producer] = [other.admin(), other.producer()];
    await Promise.all([admin.connect(), producer.connect()]);
  });
  after(async () => {
    await Promise.allSettled([admin?.disconnect(), producer?.disconnect()]);
    await server?.[Symbol.asyncDispose]();
  });

  async function connected(options: KafkaBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({
      addresses: [server.address],
      logger,
      retryTopic: true,
      partitions: 1,
      sessionTimeoutMs: 3_000,
      ...options,
    });
    await broker.connect();
    return broker;
  }

  /** What the group was told last of the only partition. */
  async function committed(topic: string, groupId: string): Promise<number> {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return Number(found?.partitions[0]?.offset);
  }

  test("what waits holds nothing up, and comes again as it was, with its attempts counted", async () => {
    const broker = await connected();
    const rest = new Set<number>();
    const failed: Event[] = [];
    let recovered: Event | undefined;
    await broker.subscribe(
      "ahead",
      (event) => {
        if (idOf(event.message) !== 0) return void rest.add(idOf(event.message));
        // In its slot, the only one, it would wait for what is behind it for ever.
        if (rest.size < 20) {
          failed.push(event);
          throw new Error("not yet");
        }
        recovered = event;
      },
      { queue: "q", maxInFlight: 1, retry: { retries: 1_000, backoffMs: 20, maxBackoffMs: 200 } },
    );
    await broker.publish("ahead", { ...message(0), header: { "Micro-Key": "k", "X-Id": "0" } });
    await until(() => failed.length >= 3);
    for (const id of numbers(20)) await broker.publish("ahead", message(id + 1));
    await until(() => recovered !== undefined);
    assert.deepEqual(
      [...failed, recovered].map((event) => event?.attempt),
      numbers(failed.length + 1).map((index) => index + 1),
    );
    for (const event of [...failed, recovered]) {
      assert.deepEqual(
        { ...event?.message.header },
        { "Micro-Key": "k", "X-Id": "0", "Micro-Topic": "ahead" },
      );
      assert.equal(event?.topic, "ahead");
    }
    await broker.disconnect();
    assert.equal(await committed("ahead", "q"), 21);
    assert.equal(await committed("ahead.q.retry", "ahead.q.retry"), failed.length);
  });

  test("after its retries a message is a dead letter, with all attempts and without what stood beside it", async () => {
    const broker = await connected();
    const letters: Event[] = [];
    await broker.subscribe("dead-letters", (event) => void letters.push(event), { queue: "q" });
    const options: SubscribeOptions = {
      queue: "q",
      ack: "manual",
      retry: { retries: 2, backoffMs: 1 },
      deadLetter: "dead-letters",
    };
    await broker.subscribe("fails", (event) => event.nack(new Error("never")), options);
    await broker.publish("fails", message(1));
    await until(() => letters.length === 1);
    const { "Micro-Error-Stack": stack, ...header } = letters[0]?.message.header ?? {};
    assert.match(stack ?? "", /never/);
    assert.equal(header["Micro-Attempts"], "3");
    assert.equal(header["Micro-Dead-Topic"], "fails");
    assert.deepEqual(
      Object.keys(header).filter((name) => /due|ts-micro/i.test(name)),
      [],
    );
    await broker.disconnect();
    assert.equal(letters.length, 1);
  });

  test("each waits for its own time, at most as long as the policy's longest wait, and outlives its member", async () => {
    const topic = "times.q.retry";
    const options = { queue: "q", maxInFlight: 1, retry: { retries: 9, maxBackoffMs: anHourMs } };
    const first = await connected();
    const seen: { id: number; attempt: number; at: number }[] = [];
    const handler = ({ message, attempt }: Event): void =>
      void seen.push({ id: idOf(message), attempt, at: Date.now() });
    await first.subscribe("times", handler, options);
    const dueAt = [Date.now() + 2 * anHourMs, Date.now() + 2_000, 0];
    await producer.send({
      topic,
      messages: dueAt.map((at, id) => ({
        value: JSON.stringify({ Header: {}, Body: Buffer.from(String(id)).toString("base64") }),
        headers: writeRetry({ attempts: id + 1, dueAt: at }),
      })),
    });
    await until(() => seen.length === 2);
    assert.deepEqual(
      seen.map(({ id, attempt }) => [id, attempt]),
      [
        [2, 4],
        [1, 3],
      ],
    );
    assert.ok((seen[1]?.at ?? 0) >= (dueAt[1] ?? 0), "it was begun before its time");
    await first.disconnect();
    assert.equal(await committed(topic, topic), 0);

    // A shorter policy. The two behind may come again, or not: the group was told of the one before them only.
    const second = await connected();
    await second.subscribe("times", handler, { ...options, retry: { retries: 9, maxBackoffMs: 100 } });
    await until(() => seen.some(({ id }) => id === 0));
    assert.equal(seen.find(({ id }) => id === 0)?.attempt, 2);
    await second.disconnect();
    assert.equal(await committed(topic, topic), 3);
  });

  test("no offset is committed before its message is in the retry topic; without it, it waits in its slot", async () => {
    const broker = await connected();
    let fails = true;
    const attempts: number[] = [];
    await broker.subscribe(
      "guarded",
      ({ attempt }) => {
        attempts.push(attempt);
        if (fails) throw new Error("not yet");
      },
      { queue: "q", maxInFlight: 1, retry: { retries: 1_000, backoffMs: 10, maxBackoffMs: 50 } },
    );
    const limitTo = async (value: string): Promise<void> => {
      const resources = [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: "guarded.q.retry",
          configEntries: [{ name: "max.message.bytes", value }],
        },
      ];
      await admin.alterConfigs({ validateOnly: false, resources });
    };
    // Nothing is that short: nothing is taken, once the server has got to know.
    await limitTo("1");
    const impatient = other.producer({ retry: { retries: 0 } });
    await impatient.connect();
    const isRefused = () =>
      impatient.send({ topic: "guarded.q.retry", messages: [{ value: "no message" }] }).then(
        () => false,
        () => true,
      );
    await until(isRefused);
    lines.length = 0;
    await broker.publish("guarded", message(0));
    await until(() => attempts.length >= 3);
    assert.equal(await committed("guarded", "q"), 0);
    assert.ok(lines.some((line) => /waits for its retry in its slot/.test(line)));
    await limitTo("1000000");
    await until(async () => !(await isRefused()));
    await impatient.disconnect();
    await until(async () => (await committed("guarded", "q")) === 1);
    fails = false;
    const before = attempts.length;
    await until(() => attempts.length > before);
    await broker.disconnect();
    assert.deepEqual(
      attempts,
      numbers(attempts.length).map((index) => index + 1),
    );
  });

  test("a process that is killed among its retries loses none", async () => {
    const count = 300;
    const env = {
      MICRO_BROKER: "kafka",
      MICRO_BROKER_ADDRESS: server.address,
      MICRO_KAFKA_RETRY_TOPIC: "true",
      MICRO_KAFKA_SESSION_TIMEOUT: "3s",
    };
    await using worker = await startRetryWorker({ env, topic: "crash", queue: "q" });
    const broker = await connected();
    await Promise.all(numbers(count).map((id) => broker.publish("crash", message(id))));
    await until(() => worker.attempts() > 1.5 * count);
    await worker.kill();
    const seen = new Map<number, number>();
    await broker.subscribe("crash", ({ message, attempt }) => void seen.set(idOf(message), attempt), {
      queue: "q",
      retry: { retries: 1_000 },
    });
    await until(() => seen.size === count);
    await broker.disconnect();
    assert.deepEqual(sorted(seen.keys()), numbers(count));
    // Some were on their way for the second time at least.
    assert.ok([...seen.values()].some((attempt) => attempt > 2));
  });

  test("members that join and leave among the retries lose none", async () => {
    const count = 1_000;
    const failures = new Map<number, number>();
    const done = new Set<number>();
    const options = { queue: "q", maxInFlight: 10, retry: { retries: 100, backoffMs: 100 } };
    const handler = async ({ message }: Event): Promise<void> => {
      const id = idOf(message);
      await pause(1);
      const failed = failures.get(id) ?? 0;
      if (failed < 3) {
        failures.set(id, failed + 1);
        throw new Error("not yet");
      }
      done.add(id);
    };
    const stay = await connected({ partitions: 4 });
    await stay.subscribe("rebalance", handler, options);
    const sending = Promise.all(numbers(count).map((id) => stay.publish("rebalance", message(id))));
    for (let round = 0; round < 3; round++) {
      const guest = await connected({ partitions: 4 });
      await guest.subscribe("rebalance", handler, options);
      await pause(300);
      await guest.disconnect();
    }
    await sending;
    await until(() => done.size === count);
    await stay.disconnect();
  });

  test("a subscription without a queue has no such topic", async () => {
    const broker = await connected();
    const attempts: number[] = [];
    await broker.subscribe(
      "alone",
      ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error("not yet");
      },
      { retry: { retries: 2, backoffMs: 1 } },
    );
    await broker.publish("alone", message(0));
    await until(() => attempts.length === 3);
    await broker.disconnect();
    const topics = await admin.listTopics();
    assert.deepEqual(
      topics.filter((name) => name.startsWith("alone")),
      ["alone"],
    );
  });
});
