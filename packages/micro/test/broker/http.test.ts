import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { type HttpBrokerOptions, newHttpBroker } from "../../src/broker/http.ts";
import { badRequest } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMdnsRegistry } from "../../src/registry/mdns.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";

const logger = newLogger({ write: () => {} });
let hubs = 0;

function newRegistry(): Registry {
  return newMemoryRegistry({ addresses: [`http-${hubs++}`] });
}

async function connected(registry: Registry, options: HttpBrokerOptions = {}) {
  const broker = newHttpBroker({ parts: { registry }, logger, ...options });
  await broker.connect();
  return broker;
}

/** Puts a subscriber's node into the registry that is not what it claims to be. */
async function register(registry: Registry, version: string, address: string): Promise<() => Promise<void>> {
  const metadata = { broker: "http", secure: "false", topic: "t" };
  const nodes = [{ id: `t-${address}`, address, metadata }];
  const service = { name: "micro.http.broker", version, metadata: {}, endpoints: [], nodes };
  await registry.register(service);
  return () => registry.deregister(service);
}

/** Listens, and leaves what comes of a connection to the test. */
async function listen(accept: (socket: Socket) => void): Promise<{ server: Server; address: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    accept(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const { server, address } = await listen(() => {});
  server.close();
  await once(server, "close");
  return address;
}

const text = (value: string) => ({ header: {}, body: Buffer.from(value) });
const names = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

test("a queue's node that can't be reached, refuses or hangs is replaced by another one", async () => {
  const registry = newRegistry();
  const refuses = await listen((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")),
  );
  const babbles = await listen((socket) => socket.once("data", () => socket.end("nonsense\r\n\r\n")));
  const hangs = await listen(() => {});
  await register(registry, "q", await deadAddress());
  for (const { address } of [refuses, babbles, hangs]) await register(registry, "q", address);
  await register(registry, "q", "not an address");
  const handled: string[] = [];
  const subscriber = await connected(registry);
  await subscriber.subscribe("t", ({ message }) => void handled.push(String(message.body)), { queue: "q" });
  const publisher = await connected(registry, { timeoutMs: 1_000 });
  const sent = names(20);
  await Promise.all(sent.map((name) => publisher.publish("t", text(name))));
  await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
  for (const { server } of [refuses, babbles, hangs]) server.close();
  assert.deepEqual(handled.sort(), [...sent].sort());
});

test("a message whose connection breaks before an answer is offered to nobody else", async () => {
  for (const end of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
    const registry = newRegistry();
    const { server, address } = await listen((socket) => socket.once("data", () => end(socket)));
    await register(registry, "q", address);
    const handled: string[] = [];
    const subscriber = await connected(registry);
    await subscriber.subscribe("t", ({ message }) => void handled.push(String(message.body)), { queue: "q" });
    const publisher = await connected(registry);
    const sent = names(20);
    const failed: string[] = [];
    const publish = (name: string) =>
      publisher.publish("t", text(name)).catch((thrown: Error & { reason: string }) => {
        assert.equal(thrown.reason, "connection-lost");
        assert.match(thrown.message, /a node of queue "q" may have taken the message or not: node t-127/);
        failed.push(name);
      });
    await Promise.all(sent.map(publish));
    await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
    server.close();
    assert.ok(failed.length > 0);
    assert.deepEqual([...handled, ...failed].sort(), [...sent].sort());
  }
});

test("a message whose answer breaks off is not sent again", async () => {
  const registry = newRegistry();
  let requests = 0;
  const { server, address } = await listen((socket) => {
    socket.on("data", (data) => {
      if (!data.toString().endsWith("}")) return;
      if (++requests === 2) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx");
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await register(registry, "q", address);
  const broker = await connected(registry);
  await broker.publish("t", text("x"));
  await new Promise(setImmediate);
  await assert.rejects(broker.publish("t", text("x")), { reason: "connection-lost" });
  assert.equal(requests, 2);
  await broker.disconnect();
  server.close();
});

test("one subscriber that can't be reached doesn't keep the message from the others", async () => {
  const registry = newRegistry();
  await register(registry, "ff.http.broadcast", await deadAddress());
  await register(registry, "other.queue", await deadAddress());
  const handled: string[] = [];
  const broker = await connected(registry);
  await broker.subscribe("t", () => void handled.push("all"));
  await broker.subscribe("t", () => void handled.push("queue"), { queue: "q" });
  await assert.rejects(broker.publish("t", text("x")), (error: Error & { code: number; reason: string }) => {
    assert.deepEqual([error.code, error.reason], [503, "connection-failed"]);
    assert.match(
      error.message,
      /publishing on "t": no node of queue "other.queue" took the message: node t-127/,
    );
    assert.match(error.message, /ECONNREFUSED/);
    assert.doesNotMatch(error.message, /without a queue/);
    return true;
  });
  await broker.disconnect();
  assert.deepEqual(handled.sort(), ["all", "queue"]);
});

test("a publish that reaches none of the subscribers without a queue is rejected, unless they have left", async () => {
  const registry = newRegistry();
  const stale = await register(registry, "ff.http.broadcast", await deadAddress());
  const broker = await connected(registry);
  await assert.rejects(broker.publish("t", text("x")), /no subscriber without a queue took the message/);
  await stale();
  await broker.publish("t", text("x"));
  await broker.disconnect();
});

test("a subscription that has ended is nobody, even for publishers that don't know yet", async () => {
  const registry = newRegistry();
  const broker = await connected(registry);
  const keepsListening = await broker.subscribe("else", () => {});
  const ended = await broker.subscribe("t", () => assert.fail("handled"), { queue: "q" });
  const [service] = (await registry.getService("micro.http.broker")).filter(({ version }) => version === "q");
  await ended.unsubscribe();
  assert.ok(service !== undefined);
  await registry.register(service);
  await broker.publish("t", text("x"));
  await keepsListening.unsubscribe();
  await broker.disconnect();
});

test("a connection that the subscriber closed while it was idle is no failure", async () => {
  const registry = newRegistry();
  const sockets: Socket[] = [];
  let answered = 0;
  const { server, address } = await listen((socket) => {
    sockets.push(socket);
    socket.on("data", (data) => {
      if (!data.toString().endsWith("}")) return;
      // The first request of each connection is answered, the second one meets a closed connection.
      if (socket.bytesRead > 400) return void socket.resetAndDestroy();
      answered++;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await register(registry, "q", address);
  const broker = await connected(registry);
  for (let count = 0; count < 3; count++) {
    await broker.publish("t", text("x".repeat(100)));
    await new Promise(setImmediate);
  }
  assert.equal(answered, 3);
  assert.equal(sockets.length, 3);
  await broker.disconnect();
  server.close();
});

test("a busy member of a queue leaves its messages to another one", async () => {
  const registry = newRegistry();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handled: string[] = [];
  const busy = await connected(registry, { timeoutMs: 100 });
  const free = await connected(registry, { timeoutMs: 100 });
  // One message is handled and one waits; then there is no room.
  await busy.subscribe("t", () => gate, { queue: "q", maxInFlight: 1 });
  await free.subscribe("t", ({ message }) => void handled.push(String(message.body)), { queue: "q" });
  const publisher = await connected(registry, { timeoutMs: 5_000 });
  await Promise.all(names(30).map((name) => publisher.publish("t", text(name))));
  release();
  await Promise.all([publisher.disconnect(), busy.disconnect(), free.disconnect()]);
  assert.ok(handled.length >= 28, `${handled.length} of at least 28 were handled by the free member`);
});

test("a publisher that gives up leaves nothing behind at the busy subscriber", async () => {
  const registry = newRegistry();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handled: string[] = [];
  const subscriber = await connected(registry);
  await subscriber.subscribe(
    "t",
    async ({ message }) => {
      handled.push(String(message.body));
      await gate;
    },
    { maxInFlight: 1 },
  );
  const publisher = await connected(registry);
  await publisher.publish("t", text("handled"));
  await publisher.publish("t", text("waiting"));
  const giveUp = new AbortController();
  const abandoned = publisher.publish("t", text("abandoned"), { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(), 20);
  await assert.rejects(abandoned, { code: 499, reason: "cancelled" });
  // The receiver learns of it from the closed connection; these requests come after that.
  for (let count = 0; count < 5; count++) await fetch(`http://${subscriber.address}/`);
  release();
  await publisher.publish("t", text("last"));
  await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
  assert.deepEqual(handled, ["handled", "waiting", "last"]);
});

test("a record that is lost is registered again", async () => {
  const registry = newRegistry();
  const broker = await connected(registry, { registerIntervalMs: 10 });
  await broker.subscribe("t", () => {});
  const [service] = await registry.getService("micro.http.broker");
  assert.ok(service !== undefined);
  await using watcher = await registry.watch({ service: "micro.http.broker" });
  await registry.deregister(service);
  const actions: string[] = [];
  for await (const { action } of watcher) {
    actions.push(action);
    if (actions.length === 2) break;
  }
  assert.deepEqual(actions, ["delete", "create"]);
  await broker.disconnect();
  assert.deepEqual(await registry.getService("micro.http.broker"), []);
});

test("a registry that fails later is only logged", async () => {
  const lines: string[] = [];
  const registry = newRegistry();
  let failing = false;
  const unreliable: Registry = {
    ...registry,
    register: (service, options) =>
      failing ? Promise.reject(new Error("gone")) : registry.register(service, options),
    deregister: () => Promise.reject(new Error("gone too")),
  };
  const loud = newLogger({ write: (line) => lines.push(line) });
  const broker = await connected(unreliable, { registerIntervalMs: 5, logger: loud });
  const subscription = await broker.subscribe("t", () => {});
  failing = true;
  while (!lines.some((line) => line.includes("could not be registered again: Error: gone"))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await subscription.unsubscribe();
  assert.match(lines.join(""), /could not be deregistered and will expire: Error: gone too/);
  await broker.disconnect();
});

test("a topic that is too long for mDNS, or no name for it, has its subscribers all the same", {
  timeout: 30_000,
}, async (context) => {
  const socket = createSocket("udp4").bind(0);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  const [near, far] = [newMdnsRegistry({ port, logger }), newMdnsRegistry({ port, logger })];
  const [subscriber, publisher] = [await connected(near), await connected(far)];
  context.after(async () => {
    await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
    await Promise.all([near.close(), far.close()]);
  });
  for (const topic of ["user.created", "x".repeat(27), "y".repeat(200), "a..b", "käse ☕/1"]) {
    const arrived = new Promise((resolve) => {
      void subscriber.subscribe(topic, ({ message }) => resolve(String(message.body)), { queue: "q" });
    });
    await until(far, topic);
    await publisher.publish(topic, text(topic));
    assert.equal(await arrived, topic);
  }
});

/** Resolves when the registry knows a subscriber of the topic. */
async function until(registry: Registry, topic: string): Promise<void> {
  for (;;) {
    const nodes = (await registry.getService("micro.http.broker")).flatMap((service) => service.nodes);
    if (nodes.some(({ metadata }) => metadata.topic === topic)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a registry that refuses the record makes subscribe fail with the topic and the reason", async () => {
  const registry = newRegistry();
  const refusing: Registry = {
    ...registry,
    register: () => Promise.reject(badRequest("go.micro.registry", "a label is longer than 63 bytes")),
  };
  const broker = await connected(refusing);
  await assert.rejects(
    broker.subscribe("t", () => {}),
    {
      code: 400,
      detail: `can't subscribe to "t": registry memory refused the record: a label is longer than 63 bytes`,
    },
  );
  await broker.disconnect();
});

test("the name that stands for no queue is no queue's name", async () => {
  const broker = await connected(newRegistry());
  await assert.rejects(
    broker.subscribe("t", () => {}, { queue: "ff.http.broadcast" }),
    { code: 400 },
  );
  await broker.disconnect();
});

test("it listens where it is told, in a range of ports too", async () => {
  const registry = newRegistry();
  const { server, address } = await listen(() => {});
  const taken = Number(address.split(":")[1]);
  const blocked = await connected(registry, { listen: address });
  await assert.rejects(
    blocked.subscribe("t", () => {}),
    (error: Error) =>
      error.message.includes(`can't listen on ${address}`) && error.message.includes("EADDRINUSE"),
  );
  const ranged = await connected(registry, {
    addresses: [`127.0.0.1:${taken}-${Math.min(taken + 50, 65_535)}`],
  });
  await ranged.subscribe("t", () => {});
  assert.notEqual(ranged.address, address);
  assert.match(ranged.address, /^127\.0\.0\.1:\d+$/);
  const everywhere = await connected(registry, { listen: "0.0.0.0:0" });
  await everywhere.subscribe("all", () => {});
  const nodes = (await registry.getService("micro.http.broker")).flatMap((service) => service.nodes);
  const advertised = nodes.find(({ metadata }) => metadata.topic === "all")?.address ?? "";
  assert.doesNotMatch(advertised, /^0\.0\.0\.0/);
  assert.equal(advertised.split(":").at(-1), everywhere.address.split(":").at(-1));
  await Promise.all([blocked.disconnect(), ranged.disconnect(), everywhere.disconnect()]);
  server.close();
});
