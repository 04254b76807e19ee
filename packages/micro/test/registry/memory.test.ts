import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry, Result, Service, Watcher } from "../../src/registry/registry.ts";

function hub(): () => Registry {
  const name = randomUUID();
  return () => newMemoryRegistry({ addresses: [name] });
}

function greeter(nodes: Record<string, string>, version = "1"): Service {
  return {
    name: "greeter",
    version,
    metadata: {},
    endpoints: [],
    nodes: Object.entries(nodes).map(([id, address]) => ({ id, address, metadata: {} })),
  };
}

async function take(watcher: Watcher, count: number): Promise<string[]> {
  const seen: Result[] = [];
  for await (const result of watcher) {
    seen.push(result);
    if (seen.length === count) break;
  }
  return seen.map(
    ({ action, service }) => `${action} ${service.version} ${service.nodes.map((node) => node.id)}`,
  );
}

test("registries with the same hub see each other's services, others don't", async () => {
  const registry = hub();
  await registry().register(greeter({ a: "h:1" }));
  await registry().register(greeter({ b: "h:2" }));
  assert.deepEqual(await registry().getService("greeter"), [greeter({ a: "h:1", b: "h:2" })]);
  assert.deepEqual(await hub()().getService("greeter"), []);
  assert.deepEqual(await registry().getService("other"), []);
});

test("a new node is a create, a changed one an update, the same one again nothing", async () => {
  const registry = hub()();
  const watcher = await registry.watch();
  const changes = take(watcher, 5);
  await registry.register(greeter({ a: "h:1" }));
  await registry.register(greeter({ a: "h:1" }));
  await registry.register(greeter({ a: "h:2", b: "h:3" }));
  await registry.register(greeter({ b: "h:3" }, "2"));
  await registry.deregister(greeter({ b: "", unknown: "" }));
  assert.deepEqual(await changes, ["create 1 a", "create 1 b", "update 1 a", "update 2 b", "delete 2 b"]);
  assert.deepEqual(await registry.getService("greeter"), [greeter({ a: "h:2" })]);
});

test("a node that isn't registered again in time is deleted, and watchers are told", async () => {
  const registry = hub()();
  const watcher = await registry.watch({ service: "greeter" });
  await registry.register(greeter({ a: "h:1" }), { ttlMs: 20 });
  await registry.register(greeter({ b: "h:2" }), { ttlMs: 60_000 });
  const keepAlive = setInterval(() => {}, 1_000);
  try {
    assert.deepEqual(await take(watcher, 3), ["create 1 a", "create 1 b", "delete 1 a"]);
  } finally {
    clearInterval(keepAlive);
  }
  assert.deepEqual(await registry.getService("greeter"), [greeter({ b: "h:2" })]);
});

test("registering again without a TTL ends the old one", async () => {
  const registry = hub()();
  const watcher = await registry.watch();
  await registry.register(greeter({ a: "h:1" }), { ttlMs: 5 });
  await registry.register(greeter({ a: "h:1" }));
  await registry.register(greeter({ b: "h:1" }), { ttlMs: 50 });
  const keepAlive = setInterval(() => {}, 1_000);
  try {
    assert.deepEqual(await take(watcher, 3), ["create 1 a", "create 1 b", "delete 1 b"]);
  } finally {
    clearInterval(keepAlive);
  }
});

test("nobody can change a record through what was handed in or out", async () => {
  const registry = hub()();
  const service = greeter({ a: "h:1" });
  await registry.register(service);
  service.nodes.length = 0;
  const [found] = await registry.getService("greeter");
  found?.nodes.pop();
  assert.equal((await registry.getService("greeter"))[0]?.nodes.length, 1);
});

test("a record that can't be found again is refused with the missing part named", async () => {
  const registry = hub()();
  const cases: [Service, RegExp][] = [
    [{ ...greeter({ a: "h:1" }), name: "" }, /needs a name/],
    [{ ...greeter({ a: "h:1" }), version: "" }, /greeter: its version is empty/],
    [greeter({}), /greeter: it has no node/],
    [greeter({ "": "h:1" }), /node at h:1 has no id/],
    [greeter({ a: "" }), /node a has no address/],
  ];
  for (const [service, message] of cases) {
    await assert.rejects(registry.register(service), (error) => {
      assert.ok(MicroError.is(error) && error.code === 400);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("closing ends this registry's watchers and keeps the nodes", async () => {
  const registry = hub();
  const first = registry();
  await first.register(greeter({ a: "h:1" }));
  const watcher = await first.watch();
  const reading = take(watcher, 1);
  await first.close();
  await first.close();
  assert.deepEqual(await reading, []);
  assert.equal((await registry().getService("greeter")).length, 1);
});
