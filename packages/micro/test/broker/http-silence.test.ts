/** Subscribers that are there and say nothing, or too little: publishers give up after `timeoutMs`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { parseAddress } from "../../src/address.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { newHttpBroker } from "../../src/broker/http.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";

const logger = newLogger({ write: () => {} });
/** Only ends a hang. */
const timeout = 60_000;
let hubs = 0;

test("a member of a queue that falls silent is skipped, and is back when it speaks again", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const silent = await world.subscriber("q");
  const lively = await world.subscriber("q");
  const publisher = await world.publisher(1_500);
  const handledBy = (who: typeof silent) => who.handled.length;
  while (handledBy(silent) < 5 || handledBy(lively) < 5) await publisher.publish("t", message());
  silent.proxy.stopPassing();
  const before = [handledBy(silent), handledBy(lively)] as const;
  await Promise.all(Array.from({ length: 40 }, () => publisher.publish("t", message())));
  assert.deepEqual([handledBy(silent), handledBy(lively)], [before[0], before[1] + 40]);
  silent.proxy.passAgain();
  while (handledBy(silent) === before[0]) await publisher.publish("t", message());
});

test("a publish to subscribers that have all fallen silent is rejected and names them", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const silent = await world.subscriber("q");
  const publisher = await world.publisher(1_000);
  await publisher.publish("t", message());
  silent.proxy.stopPassing();
  await assert.rejects(
    publisher.publish("t", message()),
    (error: Error & { code: number; reason: string }) => {
      assert.deepEqual([error.code, error.reason], [503, "timeout"]);
      assert.match(
        error.message,
        /no node of queue "q" took the message: node t-\S+ at 127\.0\.0\.1:\d+: no answer within 1000 ms/,
      );
      return true;
    },
  );
  silent.proxy.passAgain();
  while (silent.handled.length < 2) await publisher.publish("t", message());
});

test("one that answers byte by byte has no more time than one that is silent", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const address = await listening(context, (socket) => {
    const answer = "HTTP/1.1 200 OK\r\nX-A: ".padEnd(100_000, "x");
    let at = 0;
    const timer = setInterval(() => socket.write(answer[at++] ?? "x"), 20);
    socket.on("close", () => clearInterval(timer));
  });
  await world.register("q", address);
  const publisher = await world.publisher(300);
  await assert.rejects(publisher.publish("t", message()), /no answer within 300 ms/);
});

test("one whose address leads nowhere has no more time either", { timeout }, async (context) => {
  const world = await newWorld(context);
  // TEST-NET-1: packets to it are lost, or refused at once where there is no route.
  await world.register("q", "192.0.2.1:9");
  const publisher = await world.publisher(100);
  await assert.rejects(publisher.publish("t", message()), { code: 503 });
});

test("many publishes to silence are all rejected, and none keeps a connection", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const sockets = new Set<Socket>();
  const address = await listening(context, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).resume();
  });
  await world.register("q", address);
  const publisher = await world.publisher(100);
  // More than the pool has connections.
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => publisher.publish("t", message())),
  );
  assert.deepEqual([...new Set(results.map(({ status }) => status))], ["rejected"]);
  while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("an answer that came while the publisher was busy counts, however late it is read", {
  timeout,
}, async (context) => {
  const world = await newWorld(context);
  const address = await listening(context, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      const until = performance.now() + 1_100;
      while (performance.now() < until);
    });
  });
  await world.register("q", address);
  const publisher = await world.publisher(1_000);
  await publisher.publish("t", message());
});

function message() {
  return { header: {}, body: Buffer.from("x") };
}

/** Subscribers, each behind a proxy, and a publisher that knows only the proxies. */
async function newWorld(context: TestContext) {
  const known = newMemoryRegistry({ addresses: [`http-silence-${hubs++}`] });
  return {
    register: (queue: string, address: string) => register(known, queue, `t-${address}`, address),
    async subscriber(queue: string) {
      const own = newMemoryRegistry({ addresses: [`http-silence-${hubs++}`] });
      const broker = await connected(context, own, 5_000);
      const handled: string[] = [];
      await broker.subscribe("t", ({ message }) => void handled.push(String(message.body)), { queue });
      const [record] = await own.getService("micro.http.broker");
      const proxy = await proxyTo(context, broker.address);
      await register(known, queue, record?.nodes[0]?.id ?? "", proxy.address);
      return { handled, proxy };
    },
    publisher: (timeoutMs: number) => connected(context, known, timeoutMs),
  };
}

async function connected(context: TestContext, registry: Registry, timeoutMs: number): Promise<Broker> {
  const broker = newHttpBroker({ parts: { registry }, logger, timeoutMs });
  await broker.connect();
  context.after(() => broker.disconnect());
  return broker;
}

async function register(registry: Registry, version: string, id: string, address: string): Promise<void> {
  const nodes = [{ id, address, metadata: { broker: "http", secure: "false", topic: "t" } }];
  await registry.register({ name: "micro.http.broker", version, metadata: {}, endpoints: [], nodes });
}

/** Passes bytes on until it is told to swallow them: connections stay, and nothing moves. */
async function proxyTo(context: TestContext, target: string) {
  let passing = true;
  const { host, port = 0 } = parseAddress(target);
  const address = await listening(context, (near) => {
    const far = connect({ host, port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => passing && to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  });
  return {
    address,
    stopPassing() {
      passing = false;
    },
    passAgain() {
      passing = true;
    },
  };
}

async function listening(context: TestContext, accept: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    context.after(() => socket.destroy());
    accept(socket);
  }).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
