import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { MicroError, serviceUnavailable } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newRegistryCache, type RegistryCache, type RegistryCacheOptions } from "../../src/registry/cache.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry, Service } from "../../src/registry/registry.ts";

const silent = newLogger({ write: () => {} });

function greeter(...ids: string[]): Service {
  const nodes = ids.map((id) => ({ id, address: "h:1", metadata: {} }));
  return { name: "greeter", version: "1", metadata: {}, endpoints: [], nodes };
}

function ids(services: readonly Service[] | undefined): string | undefined {
  return services?.flatMap(({ nodes }) => nodes.map(({ id }) => id)).join();
}

/** A memory registry that counts, and fails on demand. */
function bench(options: Partial<RegistryCacheOptions> = {}) {
  const memory = newMemoryRegistry({ addresses: [randomUUID()] });
  const state = { lookUps: 0, watches: 0, failing: false, deaf: false, gate: Promise.resolve() };
  const registry: Registry = {
    ...memory,
    async getService(name) {
      state.lookUps++;
      const found = await memory.getService(name);
      await state.gate;
      if (state.failing) throw serviceUnavailable("go.micro.registry", "the registry is down");
      return found;
    },
    async watch(watchOptions) {
      state.watches++;
      if (state.deaf) throw serviceUnavailable("go.micro.registry", "can't watch");
      return memory.watch(watchOptions);
    },
  };
  const cache = newRegistryCache({ registry: () => registry, logger: silent, ...options });
  return { memory, registry, state, cache };
}

/** Resolves when what is known has become so. */
async function becomes(cache: RegistryCache, wanted: string): Promise<void> {
  // Nothing that the cache waits for keeps a process alive.
  const keepAlive = setInterval(() => {}, 1_000);
  const changed = new EventTarget();
  const stop = cache.observe(() => changed.dispatchEvent(new Event("change")));
  while ((ids(cache.peek("greeter")) ?? "") !== wanted) await once(changed, "change");
  stop();
  clearInterval(keepAlive);
}

test("a service that was found is known without waiting, as the same object until it changes", async () => {
  const { memory, state, cache } = bench();
  assert.equal(cache.peek("greeter"), undefined);
  await memory.register(greeter("a"));
  const found = await cache.lookUp("greeter");
  assert.equal(ids(found), "a");
  // Once for the caller, once after the watcher was there.
  await new Promise(setImmediate);
  assert.equal(cache.peek("greeter"), found);
  assert.equal(await cache.lookUp("greeter"), found);
  assert.equal(state.lookUps, 2);
  await cache.close();
});

test("many who ask at once cause one look-up", async () => {
  const { memory, state, cache } = bench({ watch: false });
  await memory.register(greeter("a"));
  const found = await Promise.all(Array.from({ length: 100 }, () => cache.lookUp("greeter")));
  assert.equal(new Set(found).size, 1);
  assert.equal(state.lookUps, 1);
});

test("what was not found is asked again at once, and what failed too", async () => {
  const { memory, state, cache } = bench({ watch: false });
  assert.deepEqual(await cache.lookUp("greeter"), []);
  state.failing = true;
  await assert.rejects(cache.lookUp("greeter"), /the registry is down/);
  state.failing = false;
  await memory.register(greeter("a"));
  assert.equal(ids(await cache.lookUp("greeter")), "a");
  assert.equal(state.lookUps, 3);
});

test("who can't use what is known has the registry asked again, once until something changes", async () => {
  const { memory, state, cache } = bench({ watch: false });
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  const hasB = { enough: (services: readonly Service[]) => ids(services)?.includes("b") === true };
  for (let round = 0; round < 3; round++) assert.equal(ids(await cache.search("greeter", hasB)), "a");
  assert.equal(state.lookUps, 2);
  await memory.register(greeter("c"));
  cache.refresh("greeter");
  await new Promise(setImmediate);
  await memory.register(greeter("b"));
  const found = await Promise.all([cache.search("greeter", hasB), cache.search("greeter", hasB)]);
  assert.deepEqual(found.map(ids), ["a,b,c", "a,b,c"]);
  assert.equal(state.lookUps, 4);
  await cache.close();
});

test("a search ends with what is known when the registry fails", async () => {
  const { memory, state, cache } = bench({ watch: false });
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  state.failing = true;
  assert.equal(ids(await cache.search("greeter", { enough: () => false })), "a");
  await cache.close();
});

test("changes arrive through the watcher, and listeners hear of each", async () => {
  const { memory, cache } = bench();
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  const heard: (string | undefined)[] = [];
  const stop = cache.observe((name, services) => heard.push(`${name} ${ids(services)}`));
  await memory.register(greeter("b"));
  await becomes(cache, "a,b");
  await memory.deregister(greeter("a"));
  await becomes(cache, "b");
  await memory.register({ ...greeter("b"), version: "2" });
  const changed = new Promise((resolve) => cache.observe(resolve));
  await changed;
  assert.deepEqual(cache.peek("greeter"), [{ ...greeter("b"), version: "2" }]);
  await memory.deregister(greeter("b"));
  await becomes(cache, "");
  assert.deepEqual(heard, ["greeter a,b", "greeter b", "greeter b", "greeter "]);
  stop();
  assert.deepEqual(await cache.getService("greeter"), []);
  await cache.close();
});

test("a change during a look-up isn't undone by its older answer", async () => {
  const { memory, state, cache } = bench();
  await memory.register(greeter("a", "b"));
  await cache.lookUp("greeter");
  await becomes(cache, "a,b");
  await new Promise(setImmediate);
  let open = (): void => {};
  state.gate = new Promise((resolve) => {
    open = resolve;
  });
  cache.refresh("greeter");
  const answer = cache.lookUp("greeter");
  await new Promise(setImmediate);
  await memory.deregister(greeter("a"));
  await becomes(cache, "b");
  open();
  await answer;
  await state.gate;
  await new Promise(setImmediate);
  assert.equal(ids(cache.peek("greeter")), "b");
  await cache.close();
});

test("a registry that fails takes nothing away, and is asked again until it answers", async () => {
  const { memory, state, cache } = bench({ ttlMs: 1 });
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  state.failing = true;
  state.deaf = true;
  const before = state.lookUps;
  while (state.lookUps < before + 3) {
    assert.equal(ids(await cache.lookUp("greeter")), "a");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await memory.register(greeter("b"));
  state.failing = false;
  while (ids(await cache.lookUp("greeter")) !== "a,b") await new Promise((resolve) => setTimeout(resolve, 1));
  await cache.close();
});

test("without a watcher an answer counts for its time only", async () => {
  const { memory, cache } = bench({ ttlMs: 5, watch: false });
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  await memory.deregister(greeter("a"));
  while (ids(await cache.lookUp("greeter")) !== "") await new Promise((resolve) => setTimeout(resolve, 1));
  await cache.close();
});

test("a watcher that ends is replaced, and what happened meanwhile is found", async () => {
  const { memory, state, cache } = bench();
  await memory.register(greeter("a"));
  await cache.lookUp("greeter");
  await new Promise(setImmediate);
  assert.equal(state.watches, 1);
  state.deaf = true;
  await memory.close();
  await memory.register(greeter("b"));
  state.deaf = false;
  await becomes(cache, "a,b");
  assert.ok(state.watches >= 2);
  await cache.close();
});

test("another registry is asked from the moment it is there", async () => {
  const [first, second] = [bench().memory, bench().memory];
  let present = first;
  const cache = newRegistryCache({ registry: () => present, logger: silent });
  await first.register(greeter("a"));
  await second.register(greeter("b"));
  assert.equal(ids(await cache.lookUp("greeter")), "a");
  present = second;
  assert.equal(cache.peek("greeter"), undefined);
  assert.equal(ids(await cache.lookUp("greeter")), "b");
  await cache.close();
});

test("what is registered through the cache is read back at once", async () => {
  const { cache } = bench();
  await cache.register(greeter("a"));
  assert.equal(ids(await cache.getService("greeter")), "a");
  await cache.register(greeter("b"));
  assert.equal(ids(await cache.getService("greeter")), "a,b");
  await cache.deregister(greeter("a"));
  assert.equal(ids(await cache.getService("greeter")), "b");
  await cache.close();
});

test("each caller has limits of its own, the others still get the answer", async () => {
  const { memory, state, cache } = bench({ watch: false });
  await memory.register(greeter("a"));
  let open = (): void => {};
  state.gate = new Promise((resolve) => {
    open = resolve;
  });
  const controller = new AbortController();
  const cancelled = cache.lookUp("greeter", { signal: controller.signal });
  const hurried = cache.lookUp("greeter", { timeoutMs: 1 });
  const patient = cache.lookUp("greeter", { timeoutMs: 60_000 });
  controller.abort();
  const reason = (wanted: string) => (error: unknown) => MicroError.is(error) && error.reason === wanted;
  await assert.rejects(cancelled, reason("cancelled"));
  await assert.rejects(cache.lookUp("greeter", { signal: controller.signal }), reason("cancelled"));
  await assert.rejects(hurried, reason("timeout"));
  // The rest of a call's limit is no whole number.
  await assert.rejects(cache.lookUp("greeter", { timeoutMs: 0.4 }), /said nothing about greeter within 1 ms/);
  open();
  assert.equal(ids(await patient), "a");
  assert.equal(state.lookUps, 1);
});

test("nobody can change what is known through a copy", async () => {
  const { memory, cache } = bench({ watch: false });
  await memory.register(greeter("a"));
  (await cache.getService("greeter"))[0]?.nodes.pop();
  assert.equal(ids(await cache.getService("greeter")), "a");
});
