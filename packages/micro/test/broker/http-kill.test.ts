/** Subscribers are killed, and fall silent, while messages are published: processes, mDNS, real sockets. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Broker } from "../../src/broker/broker.ts";
import { newHttpBroker } from "../../src/broker/http.ts";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMdnsRegistry } from "../../src/registry/mdns.ts";

const program = fileURLToPath(new URL("./http-subscriber.js", import.meta.url));
const logger = newLogger({ write: () => {} });
/** Only ends a hang. */
const timeout = 90_000;

test("a subscriber that is killed in mid-traffic and started again gets messages again, on the same port and on another", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const traffic = world.traffic();
  const lives: { subscriber: Subscriber; from: number; to: number }[] = [];
  let listen = "127.0.0.1:0";
  // The second one has the first one's port, while connections to that are still in the publisher's pool.
  for (const next of ["same port", "another port", "none"]) {
    const subscriber = await world.subscriber("-", listen);
    await subscriber.gets(20);
    const from = traffic.begun();
    await subscriber.gets(50);
    lives.push({ subscriber, from, to: traffic.begun() });
    await subscriber.kill();
    await traffic.ends(20);
    listen = next === "same port" ? subscriber.address : "127.0.0.1:0";
  }
  const outcomes = await traffic.stop();
  const heard = lives.flatMap(({ subscriber }) => subscriber.heard);
  assert.equal(new Set(heard).size, heard.length, "a message was handled twice");
  assert.equal(lives[0]?.subscriber.address, lives[1]?.subscriber.address);
  // Nobody there is no failure, and neither is one who is found to have left.
  for (const { failure } of outcomes) {
    if (failure !== undefined) assert.equal(failure.code, 503, failure.detail);
  }
  for (const { subscriber, from, to } of lives) {
    const lost = outcomes.slice(from, to).filter(({ name }) => !subscriber.heard.includes(name));
    assert.ok(
      lost.length <= 2 * concurrency,
      `${lost.length} of ${to - from} messages were lost by one kill`,
    );
  }
});

test("a member of a queue that is killed is skipped, and only what was with it may fail", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const [victim, survivor] = await Promise.all([
    world.subscriber("mail", "127.0.0.1:0"),
    world.subscriber("mail", "127.0.0.1:0"),
  ]);
  const traffic = world.traffic();
  await Promise.all([victim.gets(10), survivor.gets(10)]);
  await victim.kill();
  await survivor.gets(200);
  const again = await world.subscriber("mail", victim.address);
  await again.gets(10);
  const outcomes = await traffic.stop();
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  // Each lane has one message under way, and the node is avoided from the first failure on.
  assert.ok(failures.length <= concurrency, `${failures.length} publishes failed with one kill`);
  for (const { reason, detail } of failures) assert.equal(reason, "connection-lost", detail);
  const heard = [...victim.heard, ...survivor.heard, ...again.heard];
  assert.equal(new Set(heard).size, heard.length, "a message was handled twice");
  const lost = outcomes.filter(({ name }) => !heard.includes(name));
  assert.ok(lost.length <= 2 * concurrency, `${lost.length} messages were lost with one kill`);
});

/** Publishes under way at a time. */
const concurrency = 4;

interface Outcome {
  name: string;
  failure: MicroError | undefined;
}

interface Subscriber {
  address: string;
  heard: string[];
  /** Resolves when so many more messages have come. */
  gets(count: number): Promise<void>;
  kill(): Promise<void>;
}

async function newWorld(context: TestContext) {
  const port = await freePort();
  const topic = `t${randomUUID().slice(0, 8)}`;
  const registry = newMdnsRegistry({ port, logger });
  const publisher = newHttpBroker({ parts: { registry }, logger, timeoutMs: 2_000 });
  await publisher.connect();
  context.after(async () => {
    await publisher.disconnect();
    await registry.close();
  });
  return {
    subscriber: (queue: string, listen: string) =>
      startSubscriber(context, [String(port), topic, queue, listen]),
    traffic: () => startTraffic(publisher, topic),
  };
}

/** Publishes one message after the other until it is stopped. */
function startTraffic(publisher: Broker, topic: string) {
  const outcomes: Outcome[] = [];
  let running = true;
  let count = 0;
  let ended = 0;
  const lane = async (): Promise<void> => {
    while (running) {
      const number = count++;
      const name = `m${number}`;
      const failure = await publisher.publish(topic, { header: {}, body: Buffer.from(name) }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(failure === undefined || MicroError.is(failure), String(failure));
      outcomes[number] = { name, failure };
      ended++;
      // The test's process has other things to do, too: it reads what the subscribers say.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const lanes = Array.from({ length: concurrency }, lane);
  return {
    /** How many publishes have begun. */
    begun: () => count,
    /** Resolves when so many publishes, begun from now on, have ended well or not. */
    async ends(publishes: number): Promise<void> {
      const enough = ended + concurrency + publishes;
      while (ended < enough) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async stop(): Promise<Outcome[]> {
      running = false;
      await Promise.all(lanes);
      return outcomes;
    },
  };
}

async function startSubscriber(context: TestContext, args: string[]): Promise<Subscriber> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => child.kill("SIGKILL"));
  const heard: string[] = [];
  let look = (): void => {};
  let address = "";
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("ready ")) address = line.slice(6);
      if (line.startsWith("got ")) heard.push(line.slice(4));
    }
    look();
  });
  child.on("exit", () => look());
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      assert.equal(child.exitCode, null, "the subscriber ended by itself");
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  await until(() => address !== "");
  return {
    address,
    heard,
    async gets(count) {
      const enough = heard.length + count;
      await until(() => heard.length >= enough);
    },
    kill: () => killed(child),
  };
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}
