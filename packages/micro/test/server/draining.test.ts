import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Context } from "../../src/context.ts";
import { MicroError } from "../../src/errors.ts";
import type { Endpoint } from "../../src/registry/registry.ts";
import { newHandler, stream } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { callHeader, post, RawClient } from "./raw-client.ts";
import { setUp, signal } from "./start-server.ts";

const hello = post(callHeader("Say.Hello"), "{}");

/** A handler whose `Slow` runs until it is let go. */
function slowHandler() {
  const running = signal();
  const gate = signal<string>();
  const aborted = signal<unknown>();
  let calls = 0;
  const handler = newHandler("Say", {
    Hello: () => ++calls,
    Slow: async (_request: unknown, context: Context) => {
      context.signal.addEventListener("abort", () => aborted.done(context.signal.reason));
      running.done();
      return gate.promise;
    },
    Ticks: stream(async function* (requests: AsyncIterable<unknown>) {
      running.done();
      for await (const request of requests) yield request;
      yield await gate.promise;
    }),
  });
  return {
    handler,
    running: running.promise,
    finish: gate.done,
    aborted: aborted.promise,
    calls: () => calls,
  };
}

test("a server that leaves deregisters, and serves old and new connections while the news spreads", async (context) => {
  const { server, registry, connect } = setUp(context, { drain: { propagationMs: 60_000 } });
  const { handler } = slowHandler();
  server.handle(handler);
  await server.start();
  const client = await connect();
  assert.equal((await client.ask(hello)).header.Connection, undefined);
  assert.equal(server.ready, true);
  await using watcher = await registry.watch({ service: "go.micro.srv.greeter" });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const stopped = server.stop();
  const { value: change } = await watcher[Symbol.asyncIterator]().next();
  assert.equal(change?.action, "delete");
  assert.equal(server.ready, false);
  assert.equal((await client.ask(hello)).header.Connection, "close");
  const late = await connect();
  assert.equal((await late.ask(hello)).header.Connection, "close");
  // Who doesn't know the header goes on.
  assert.equal((await client.ask(hello)).body.toString(), "4\n");
  // The delay is over.
  const address = server.address;
  context.mock.timers.tick(60_000);
  for (const idle of [client, late]) {
    const goodbye = await idle.answer();
    assert.equal(goodbye.header["Micro-Goodbye"], "draining");
    await idle.ended;
    idle.destroy();
  }
  await stopped;
  await assert.rejects(RawClient.open(address), /ECONNREFUSED/);
});

test("an idle connection gets the goodbye, byte for byte, and is closed", async (context) => {
  const { server, connect } = setUp(context);
  await server.start();
  const client = await connect();
  await client.ask(post(callHeader("Debug.Health"), "{}"));
  const stopped = server.stop();
  const goodbye = await client.answer();
  assert.equal(
    goodbye.raw,
    [
      "HTTP/1.1 200 OK",
      "Connection: close",
      'Micro-Error: {"id":"go.micro.server","code":408,"detail":"the server is shutting down","status":"Request Timeout"}',
      "Micro-Goodbye: draining",
      "Content-Length: 0",
      "\r\n",
    ].join("\r\n"),
  );
  await client.ended;
  // What is written now meets no reset before the client has read the goodbye, and no handler.
  client.write(hello);
  await assert.rejects(client.answer(), /ended without an answer/);
  client.destroy();
  await stopped;
});

test("what is in flight is answered; what comes after is not begun", async (context) => {
  const { server, connect } = setUp(context);
  const { handler, running, finish, calls } = slowHandler();
  server.handle(handler);
  await server.start();
  const idle = await connect();
  const busy = await connect();
  busy.write(post(callHeader("Say.Slow"), "{}"));
  await running;
  const stopped = server.stop();
  assert.equal((await idle.answer()).header["Micro-Goodbye"], "draining");
  busy.write(hello);
  idle.destroy();
  finish("done");
  const answer = await busy.answer();
  assert.deepEqual([answer.body.toString(), answer.header.Connection], ['"done"\n', "close"]);
  assert.equal((await busy.answer()).header["Micro-Goodbye"], "draining");
  await busy.ended;
  busy.destroy();
  await stopped;
  assert.equal(calls(), 0);
});

test("a stream in flight goes on to its end", async (context) => {
  const { server, connect } = setUp(context);
  const { handler, running, finish } = slowHandler();
  server.handle(handler);
  await server.start();
  const idle = await connect();
  const client = await connect();
  const header = callHeader("Say.Ticks", { "Micro-Stream": "0" });
  client.write(post(header));
  await running;
  const stopped = server.stop();
  await idle.answer();
  idle.destroy();
  assert.equal((await client.ask(post(header, "1"))).body.toString(), "1\n");
  client.write(post({ ...header, "Micro-Error": "EOS" }));
  finish("last");
  assert.equal((await client.answer()).body.toString(), '"last"\n');
  assert.equal((await client.answer()).header["Micro-Error"], "EOS");
  assert.equal((await client.answer()).header["Micro-Goodbye"], "draining");
  await client.ended;
  client.destroy();
  await stopped;
});

test("what outlasts the budget is cut off, and told so", async (context) => {
  const { server, connect, lines, broker } = setUp(context, { drain: { propagationMs: 0, budgetMs: 50 } });
  const { handler, running, aborted } = slowHandler();
  const subscriberAborted = signal<unknown>();
  const subscriberRunning = signal();
  server.handle(handler);
  server.subscribe({
    topic: "orders",
    run: async (_body, { signal }) => {
      signal.addEventListener("abort", () => subscriberAborted.done(signal.reason));
      subscriberRunning.done();
      await subscriberAborted.promise;
    },
    options: {},
  });
  await server.start();
  const client = await connect();
  client.write(post(callHeader("Say.Slow"), "{}"));
  await broker.publish("orders", { header: { "Content-Type": "application/json" }, body: Buffer.from("1") });
  await Promise.all([running, subscriberRunning.promise]);
  await server.stop();
  for (const reason of [await aborted, await subscriberAborted.promise]) {
    assert.ok(MicroError.is(reason) && reason.reason === "draining", String(reason));
  }
  await client.ended;
  assert.ok(lines.some((line) => /level=warn.*still had work after 50 ms/.test(line)));
});

test("subscribers that run are waited for, and no further message reaches them", async (context) => {
  const { server, broker } = setUp(context);
  const running = signal();
  const gate = signal();
  const seen: unknown[] = [];
  server.subscribe({
    topic: "orders",
    run: async (body) => {
      running.done();
      await gate.promise;
      seen.push(body);
    },
    options: {},
  });
  await server.start();
  const publish = (body: string) =>
    broker.publish("orders", { header: { "Content-Type": "application/json" }, body: Buffer.from(body) });
  await publish("1");
  await running.promise;
  let stopped = false;
  const stopping = server.stop().then(() => {
    stopped = true;
  });
  await new Promise(setImmediate);
  await publish("2");
  assert.equal(stopped, false);
  gate.done();
  await stopping;
  assert.deepEqual(seen, [1]);
});

test("starting and stopping twice is once, and a stopped server starts again", async (context) => {
  const { server, registry, connect } = setUp(context);
  server.handle(newHandler("Say", { Hello: () => "hello" }));
  assert.equal(server.address, "127.0.0.1:0");
  await server.stop();
  await Promise.all([server.start(), server.start()]);
  const first = server.address;
  await server.start();
  assert.equal(server.address, first);
  assert.match(first, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.equal((await registry.getService("go.micro.srv.greeter"))[0]?.nodes.length, 1);
  const stops = [server.stop(), server.stop()];
  // Asked for while it stops, it starts afterwards.
  const again = server.start();
  await Promise.all([...stops, again]);
  assert.equal(server.ready, true);
  const client = await connect();
  assert.equal((await client.ask(hello)).body.toString(), '"hello"\n');
  client.destroy();
  await server.stop();
  assert.equal(server.address, "127.0.0.1:0");
  assert.deepEqual(await registry.getService("go.micro.srv.greeter"), []);
});

test("a start that fails midway leaves nothing open", async (context) => {
  const { server, registry } = setUp(context, { address: "127.0.0.1:0" });
  server.subscribe({ topic: "orders", run() {}, options: { maxInFlight: -1 } });
  await assert.rejects(server.start(), (error) => MicroError.is(error) && /maxInFlight/.test(error.detail));
  assert.equal(server.ready, false);
  assert.equal(server.address, "127.0.0.1:0");
  assert.deepEqual(await registry.getService("go.micro.srv.greeter"), []);
  await assert.rejects(server.start(), /maxInFlight/);

  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = other.address();
  const port = typeof taken === "object" && taken !== null ? taken.port : 0;
  const second = newServer({ address: `127.0.0.1:${port}`, parts: { registry } });
  await assert.rejects(second.start(), /is in use/);
  other.close();
  await once(other, "close");
  await second.start();
  assert.equal(second.address, `127.0.0.1:${port}`);
  await second.stop();
});

test("a server that is stopped while it starts ends stopped, and its start says so", async (context) => {
  const gate = signal();
  const checking = signal();
  const { server, registry, connect } = setUp(context, {
    registerCheck: () => {
      checking.done();
      return gate.promise;
    },
  });
  const starting = server.start();
  await checking.promise;
  const client = await connect();
  const stopping = server.stop();
  gate.done();
  await assert.rejects(starting, (error) => MicroError.is(error) && error.reason === "closed");
  assert.equal((await client.answer()).header["Micro-Goodbye"], "draining");
  client.destroy();
  await stopping;
  assert.deepEqual(await registry.getService("go.micro.srv.greeter"), []);
});

test("a server whose registry is down serves all the same, and says that it isn't ready", async (context) => {
  const { server, connect, lines } = setUp(context, {
    registerCheck: () => {
      throw new Error("not today");
    },
  });
  await server.start();
  assert.equal(server.ready, false);
  assert.ok(lines.some((line) => /level=warn.*not today/.test(line)));
  const client = await connect();
  assert.equal(
    (await client.ask(post(callHeader("Debug.Health"), "{}"))).body.toString(),
    '{"status":"ok"}\n',
  );
});

test("handlers and subscribers that are added while running are there at once", async (context) => {
  const { server, registry, connect } = setUp(context);
  await server.start();
  await using watcher = await registry.watch({ service: "go.micro.srv.greeter" });
  server.handle(newHandler("Say", { Hello: () => "hello" }));
  server.handle(newHandler("Hidden", { Hello: () => "hello" }, { internal: true }));
  const client = await connect();
  assert.equal((await client.ask(hello)).body.toString(), '"hello"\n');
  const { value: change } = await watcher[Symbol.asyncIterator]().next();
  assert.deepEqual(
    change?.service.endpoints.map((endpoint: Endpoint) => endpoint.name),
    ["Say.Hello"],
  );
});
