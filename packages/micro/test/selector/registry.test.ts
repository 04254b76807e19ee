import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { MicroError, serviceUnavailable } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Service } from "../../src/registry/registry.ts";
import { filterLabel, filterProtocol, filterVersion } from "../../src/selector/filters.ts";
import { newSelector, type RegistrySelectorOptions } from "../../src/selector/registry.ts";
import type { Next } from "../../src/selector/selector.ts";
import { newRoundRobin } from "../../src/selector/strategies.ts";

const logger = newLogger({ write: () => {} });
const refused = serviceUnavailable("go.micro.client", "connection refused", { reason: "connection-failed" });

function bench(options: RegistrySelectorOptions = {}) {
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  return { registry, selector: newSelector({ parts: { registry }, logger, ...options }) };
}

function greeter(ids: string[], fields: Partial<Service> = {}): Service {
  const nodes = ids.map((id) => ({ id, address: `${id}:1`, metadata: { protocol: "mucp" } }));
  return { name: "greeter", version: "1", metadata: {}, endpoints: [], nodes, ...fields };
}

function take(next: Next, count: number): string[] {
  return Array.from({ length: count }, () => next().id);
}

test("the first selection asks the registry, further ones give their function at once", async () => {
  const { registry, selector } = bench();
  await registry.register(greeter(["a"]));
  const first = selector.select("greeter");
  assert.notEqual(typeof first, "function");
  assert.equal((await first)().id, "a");
  const second = selector.select("greeter");
  assert.ok(typeof second === "function");
  assert.equal(second().address, "a:1");
  await selector.close();
});

test("errors are go-micro's, with the reason beside", async () => {
  const { registry, selector } = bench();
  const failure = async (run: () => unknown): Promise<unknown[]> => {
    try {
      await run();
    } catch (error) {
      assert.ok(MicroError.is(error));
      return [error.id, error.code, error.detail, error.reason];
    }
    return [];
  };
  assert.deepEqual(await failure(() => selector.select("greeter")), [
    ...["go.micro.client", 500, "service greeter: not found", "service-not-found"],
  ]);
  await registry.register(greeter(["a"]));
  await selector.select("greeter");
  const none = ["go.micro.client", 500, "error selecting greeter node: none available", "no-node-available"];
  assert.deepEqual(await failure(() => selector.select("greeter", { filters: [filterVersion("9")] })), none);
  const brpc = await failure(() => selector.select("greeter", { filters: [filterProtocol(["brpc"])] }));
  assert.equal(brpc[3], "protocol-not-spoken");
  const broken = () => {
    throw new Error("a filter's own problem");
  };
  const [, , detail] = await failure(() => selector.select("greeter", { filters: [broken] }));
  assert.equal(detail, "error selecting greeter node: a filter's own problem");
  await selector.close();
});

test("a registry that can't be asked is named as the cause", async () => {
  const { registry } = bench();
  const down = {
    ...registry,
    getService: () => Promise.reject(serviceUnavailable("go.micro.registry", "no etcd")),
  };
  const selector = newSelector({ parts: { registry: down }, logger });
  await assert.rejects(Promise.resolve(selector.select("greeter")), (error) => {
    assert.ok(MicroError.is(error) && error.code === 500);
    assert.equal(error.detail, "error selecting greeter node: no etcd");
    return true;
  });
});

test("within a call each node is given once, before any is given again", async () => {
  const { registry, selector } = bench();
  await registry.register(greeter(["a", "b", "c"]));
  for (let round = 0; round < 50; round++) {
    const ids = take(await selector.select("greeter"), 6);
    assert.deepEqual(ids.slice(0, 3).sort(), ["a", "b", "c"]);
    assert.deepEqual(ids.slice(3).sort(), ["a", "b", "c"]);
  }
  await selector.close();
});

test("the strategy is the selector's, or the selection's own", async () => {
  const { registry, selector } = bench({ strategy: newRoundRobin() });
  await registry.register(greeter(["a", "b"]));
  const ids: string[] = [];
  for (let call = 0; call < 10; call++) ids.push((await selector.select("greeter"))().id);
  assert.equal(ids.filter((id) => id === "a").length, 5);
  const last = await selector.select("greeter", { strategy: (_service, nodes) => nodes.at(-1)! });
  assert.equal(last().id, "b");
  await selector.close();
});

test("a node that fails is left alone while there are others, and used again when it works", async () => {
  const { registry, selector } = bench({ avoidMs: 60_000, maxAvoidMs: 60_000 });
  await registry.register(greeter(["a", "b"]));
  const [service] = await registry.getService("greeter");
  const [a, b] = service?.nodes ?? [];
  assert.ok(a && b);
  await selector.select("greeter");
  selector.mark("greeter", a, refused);
  for (let round = 0; round < 20; round++) assert.equal((await selector.select("greeter"))().id, "b");
  // Within one call it is still better than a node that this call has tried.
  assert.deepEqual(take(await selector.select("greeter"), 2), ["b", "a"]);
  // All are in trouble: any is better than none.
  selector.mark("greeter", b, refused);
  assert.ok(["a", "b"].includes((await selector.select("greeter"))().id));
  selector.mark("greeter", a);
  for (let round = 0; round < 20; round++) assert.equal((await selector.select("greeter"))().id, "a");
  selector.reset("greeter");
  const seen = new Set<string>();
  while (seen.size < 2) seen.add((await selector.select("greeter"))().id);
  await selector.close();
});

test("a node that is registered anew is used at once", async () => {
  const { registry, selector } = bench({ avoidMs: 60_000, maxAvoidMs: 60_000, strategy: newRoundRobin() });
  await registry.register(greeter(["a", "b"]));
  const next = await selector.select("greeter");
  const node = [next(), next()].find(({ id }) => id === "a");
  assert.ok(node);
  selector.mark("greeter", node, refused);
  const changed = new Promise((resolve) => selector.observe?.(resolve));
  await new Promise(setImmediate);
  await registry.register(
    greeter(["a"], { nodes: [{ ...node, metadata: { protocol: "mucp", boot: "2" } }] }),
  );
  await changed;
  const seen = new Set<string>();
  while (!seen.has("a")) seen.add((await selector.select("greeter"))().id);
  await selector.close();
});

test("a failure makes the selector ask the registry again, for the dead say nothing", async () => {
  const { registry, selector } = bench();
  let alive = ["a", "b"];
  const mute = {
    ...registry,
    getService: async () => (alive.length === 0 ? [] : [greeter(alive)]),
  };
  const blind = newSelector({ parts: { registry: mute }, logger });
  const next = await blind.select("greeter");
  const dead = [next(), next()].find(({ id }) => id === "a");
  assert.ok(dead);
  await new Promise(setImmediate);
  alive = ["b"];
  const left = new Promise((resolve) =>
    blind.observe?.((_service, nodes) => resolve(nodes.map(({ id }) => id))),
  );
  blind.mark("greeter", dead, refused);
  assert.deepEqual(await left, ["b"]);
  await blind.close();
  await selector.close();
});

test("observers hear which nodes are left, until they end it", async () => {
  const { registry, selector } = bench();
  await registry.register(greeter(["a"]));
  await selector.select("greeter");
  await new Promise(setImmediate);
  const heard: string[] = [];
  const first = new Promise<void>((resolve) => {
    const stop = selector.observe?.((service, nodes) => {
      heard.push(`${service} ${nodes.map(({ id }) => id)}`);
      stop?.();
      resolve();
    });
  });
  await registry.register(greeter(["b"]));
  await first;
  const second = new Promise((resolve) => selector.observe?.(resolve));
  await registry.deregister(greeter(["a"]));
  await second;
  assert.deepEqual(heard, ["greeter a,b"]);
  await selector.close();
});

test("filters narrow what is chosen", async () => {
  const { registry, selector } = bench();
  await registry.register(greeter(["a"]));
  await registry.register(
    greeter([], { version: "2", nodes: [{ id: "b", address: "b:1", metadata: { zone: "x" } }] }),
  );
  for (const filter of [filterVersion("2"), filterLabel("zone", "x")]) {
    for (let round = 0; round < 20; round++) {
      assert.equal((await selector.select("greeter", { filters: [filter] }))().id, "b");
    }
  }
  await selector.close();
});
