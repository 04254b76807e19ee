import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  getMetadata,
  MicroError,
  newService,
  type Service,
  type ServiceOptions,
  stream,
} from "../../src/index.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";

/** Options of services that find each other, and nobody else, inside this process. */
function together(): ServiceOptions {
  const addresses = [randomUUID()];
  return {
    argv: [],
    env: {},
    logger: newLogger({ level: "fatal" }),
    registry: "memory",
    broker: "memory",
    transport: "memory",
    partOptions: { registry: { addresses }, broker: { addresses }, transport: { addresses } },
    drain: { propagationMs: 0, budgetMs: 5_000 },
  };
}

function serviceFor(t: TestContext, options: ServiceOptions): Service {
  const service = newService(options);
  t.after(() => service.stop());
  return service;
}

test("two services of a process call each other, with errors, streams, wrappers and metadata", async (t) => {
  const options = together();
  const seen: string[] = [];
  const greeter = serviceFor(t, {
    ...options,
    name: "greeter",
    wrapHandler: ["outer", "inner"].map((name) => (next) => (request, context) => {
      seen.push(`${name} ${request.endpoint}`);
      return next(request, context);
    }),
  });
  greeter.handle("Greeter", {
    Hello: async (request: { name: string }, context) => ({
      msg: `Hello ${request.name}`,
      from: getMetadata(context.metadata, "Micro-From-Service"),
    }),
    Fail: () => {
      throw new MicroError({ id: "greeter", code: 409, detail: "not today" });
    },
    Count: stream(async function* (requests: AsyncIterable<{ to: number }>) {
      for await (const { to } of requests) for (let n = 1; n <= to; n++) yield { n };
    }),
  });
  await greeter.start();
  assert.equal(greeter.ready, true);

  const client = serviceFor(t, { ...options, name: "shop" });
  await client.init();
  const reply = await client.client.call<{ msg: string; from: string }>({
    service: "greeter",
    endpoint: "Greeter.Hello",
    body: { name: "John" },
  });
  assert.deepEqual(reply, { msg: "Hello John", from: "shop" });
  assert.deepEqual(seen, ["outer Greeter.Hello", "inner Greeter.Hello"]);

  await assert.rejects(client.client.call({ service: "greeter", endpoint: "Greeter.Fail" }), (error) => {
    return (
      MicroError.is(error) && error.id === "greeter" && error.code === 409 && error.detail === "not today"
    );
  });

  await using counting = await client.client.stream<{ n: number }, { to: number }>({
    service: "greeter",
    endpoint: "Greeter.Count",
  });
  await counting.send({ to: 2 });
  await counting.send({ to: 1 });
  await counting.end();
  const numbers: number[] = [];
  for await (const { n } of counting) numbers.push(n);
  assert.deepEqual(numbers, [1, 2, 1]);

  const health = await client.client.call({ service: "greeter", endpoint: "Debug.Health", body: {} });
  assert.deepEqual(health, { status: "ok" });
  const [record] = await client.registry.getService("greeter");
  assert.deepEqual(
    record?.endpoints.map(({ name }) => name),
    ["Greeter.Count", "Greeter.Fail", "Greeter.Hello"],
  );

  await greeter.stop();
  assert.equal(greeter.ready, false);
  assert.deepEqual(await client.registry.getService("greeter"), []);
});

test("what one service publishes another one's subscriber gets, also one added while running", async (t) => {
  const options = together();
  const reader = serviceFor(t, { ...options, name: "reader" });
  const got: unknown[] = [];
  let arrived = (): void => {};
  const remember =
    (topic: string) => (body: { title: string }, context: { metadata: Record<string, string> }) => {
      got.push([topic, body.title, getMetadata(context.metadata, "Micro-From-Service")]);
      if (got.length === 2) arrived();
    };
  reader.subscribe("news", remember("news"));
  await reader.start();
  reader.subscribe("weather", remember("weather"));
  const both = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const writer = serviceFor(t, { ...options, name: "writer" });
  await writer.init();
  await writer.publish("news", { title: "one" });
  await writer.publish("weather", { title: "two" });
  await both;
  assert.deepEqual(got, [
    ["news", "one", "writer"],
    ["weather", "two", "writer"],
  ]);
});

test("a handler may call on, inheriting what is left of the deadline", async (t) => {
  const options = together();
  const back = serviceFor(t, { ...options, name: "back" });
  back.handle("Back", { Left: (_request: object, context) => ({ left: context.remainingMs() }) });
  await back.start();
  const front = serviceFor(t, { ...options, name: "front" });
  front.handle("Front", {
    Left: (_request: object, context) =>
      front.client.call({ service: "back", endpoint: "Back.Left", body: {}, context }),
  });
  await front.start();
  const { left } = await front.client.call<{ left: number }>({
    service: "front",
    endpoint: "Front.Left",
    body: {},
    timeoutMs: 3_000,
  });
  assert.ok(left > 0 && left <= 3_000, String(left));
});

test("a service with only a program calls and ends", async (t) => {
  const options = together();
  const greeter = serviceFor(t, { ...options, name: "greeter" });
  greeter.handle("Greeter", { Hello: (request: { name: string }) => ({ msg: `Hello ${request.name}` }) });
  await greeter.start();
  let msg = "";
  const program = newService({ ...options, name: "greeter.client" });
  const code = await program.run(async () => {
    const reply = await program.client.call<{ msg: string }>({
      service: "greeter",
      endpoint: "Greeter.Hello",
      body: { name: "John" },
    });
    msg = reply.msg;
  });
  assert.equal(code, 0);
  assert.equal(msg, "Hello John");
});

test("a service that can't register runs and isn't ready; a hook may refuse that", async () => {
  const { partOptions, registry: _registry, ...options } = together();
  const down = (): Registry => ({
    ...newMemoryRegistry(partOptions?.registry),
    register: async () => {
      throw new Error("the registry is down");
    },
  });
  const patient = newService({ ...options, registry: down });
  await patient.start();
  assert.equal(patient.ready, false);
  await patient.stop();

  const strict: Service = newService({
    ...options,
    registry: down,
    afterStart: [
      () => {
        if (!strict.ready) throw new Error("not registered");
      },
    ],
  });
  await assert.rejects(strict.start(), { message: "not registered" });
  await strict.stop();
});
