/** `micro broker` and `micro registry`, as processes that are killed, restarted and silenced under their clients. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-service";
import {
  type ServerProcess,
  type SilenceableProxy,
  startServerProcess,
  startSilenceableProxy,
} from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-service";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { Service, Watcher } from "ts-micro/registry";
import { bin, deadAddress, micro } from "./micro.ts";

const logger = newLogger({ level: "fatal" });

/** Longer than the longest time limit of the clients. */
const deadMs = 20_000;

function start(kind: "broker" | "registry"): Promise<ServerProcess> {
  return startServerProcess({
    path: process.execPath,
    ports: 1,
    args: ([port]) => [bin, kind, `--${kind}=memory`, `--server_address=127.0.0.1:${port}`],
    env: () => ({ MICRO_REGISTRY: "memory" }),
    async probe(address) {
      await using registry = newRegistry({ addresses: [address], logger, timeoutMs: 1_000 });
      await using broker = newBroker({ addresses: [address], logger, timeoutMs: 1_000 });
      await (kind === "broker" ? broker.connect() : registry.listServices());
    },
  });
}

/** The connection was lost under the call, or there was none. */
function isAway(error: unknown): boolean {
  return MicroError.is(error) && (error.code === 503 || error.reason === "connection-lost");
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(20);
}

describe("micro broker", { concurrency: true, timeout: 150_000 }, () => {
  const message = (text: string) => ({ header: {}, body: Buffer.from(text) });

  async function subscribed(t: TestContext, addresses: readonly string[]) {
    const broker = newBroker({ addresses, logger, checkIntervalMs: 500 });
    t.after(() => broker.disconnect());
    await broker.connect();
    const got: string[] = [];
    await broker.subscribe("letters", (event) => void got.push(event.message.body.toString()));
    return { broker, got };
  }

  /** The subscription is there again when something comes. */
  async function isBack(broker: Broker, got: readonly string[]): Promise<void> {
    await until(async () => {
      await broker.publish("letters", message("back?")).catch(() => {});
      return got.includes("back?");
    });
  }

  test("killed and started again: publishes are refused meanwhile, subscriptions come back", async (t) => {
    await using server = await start("broker");
    const { broker, got } = await subscribed(t, [server.address]);
    await broker.publish("letters", message("before"));
    await until(() => got.includes("before"));
    await server.kill();
    const stopAt = performance.now() + deadMs;
    while (performance.now() < stopAt) {
      await assert.rejects(broker.publish("letters", message("meanwhile")), isAway);
      await pause(500);
    }
    await server.start();
    await isBack(broker, got);
    const sent = Array.from({ length: 1_000 }, (_, index) => `after ${index}`);
    for (let first = 0; first < sent.length; first += 50) {
      await Promise.all(
        sent.slice(first, first + 50).map((text) => broker.publish("letters", message(text))),
      );
    }
    await until(() => sent.every((text) => got.includes(text)));
    assert.ok(!got.includes("meanwhile"));
    assert.equal(got.filter((text) => text.startsWith("after")).length, sent.length);
  });

  test("a connection that fell silent is given up, and its subscriptions opened anew", async (t) => {
    await using server = await start("broker");
    await using proxy = await startSilenceableProxy(server.address);
    const { broker, got } = await subscribed(t, [proxy.address]);
    proxy.silence();
    await assert.rejects(broker.publish("letters", message("lost")), { code: 408 });
    proxy.speak();
    await isBack(broker, got);
  });

  test("the next address is used when one is away", async (t) => {
    await using server = await start("broker");
    const { broker, got } = await subscribed(t, [await deadAddress(), server.address]);
    assert.equal(broker.address, server.address);
    await broker.publish("letters", message("hello"));
    await until(() => got.includes("hello"));
  });

  test("an engine that can't be reached is one line on stderr, and code 1", async () => {
    const { code, stderr } = await micro(
      [
        "broker",
        "--broker=service",
        "--server_address=127.0.0.1:0",
        `--broker_address=${await deadAddress()}`,
      ],
      // The checkout's own packages are found from here.
      { cwd: import.meta.dirname, env: { MICRO_REGISTRY: "memory" } },
    );
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^micro broker: .*127\.0\.0\.1:\d+.*\n$/);
  });
});

describe("micro registry", { concurrency: true, timeout: 150_000 }, () => {
  const greeter = (id: string): Service => ({
    name: "greeter",
    version: "1",
    metadata: {},
    endpoints: [],
    nodes: [{ id, address: "127.0.0.1:1", metadata: {} }],
  });

  function registryAt(t: TestContext, addresses: readonly string[]) {
    const registry = newRegistry({
      ...{ addresses, logger, timeoutMs: 2_000, checkIntervalMs: 500, graceMs: 10_000 },
    });
    t.after(() => registry.close());
    return registry;
  }

  function record(watcher: Watcher): string[] {
    const changes: string[] = [];
    void (async () => {
      for await (const { action, service } of watcher) changes.push(`${action} ${service.nodes[0]?.id}`);
    })();
    return changes;
  }

  test("killed and started empty: nothing flaps, what registers again stays, what doesn't is given up", async (t) => {
    await using server = await start("registry");
    const registry = registryAt(t, [server.address]);
    const changes = record(await registry.watch({ service: "greeter" }));
    for (const id of ["staying", "going"]) await registry.register(greeter(id));
    await until(() => changes.length === 2);
    await server.kill();
    const stopAt = performance.now() + deadMs;
    while (performance.now() < stopAt) {
      await assert.rejects(registry.getService("greeter"), isAway);
      await assert.rejects(registry.register(greeter("staying")), isAway);
      await pause(500);
    }
    await server.start();
    assert.deepEqual(changes, ["create staying", "create going"]);
    await registry.register(greeter("staying"));
    await registry.register(greeter("new"));
    await until(() => changes.length === 4);
    assert.deepEqual(changes.slice(2), ["create new", "delete going"]);
  });

  test("a watch whose connection fell silent is told what came meanwhile", async (t) => {
    await using server = await start("registry");
    const proxy: SilenceableProxy = await startSilenceableProxy(server.address);
    t.after(() => proxy[Symbol.asyncDispose]());
    const changes = record(await registryAt(t, [proxy.address]).watch());
    const direct = registryAt(t, [server.address]);
    await direct.register(greeter("a"));
    await until(() => changes.length === 1);
    proxy.silence();
    await direct.register(greeter("b"));
    proxy.speak();
    await until(() => changes.length === 2);
    assert.deepEqual(changes, ["create a", "create b"]);
  });

  test("the next address is used when one is away", async (t) => {
    await using server = await start("registry");
    const registry = registryAt(t, [await deadAddress(), server.address]);
    await registry.register(greeter("a"));
    assert.equal((await registry.getService("greeter"))[0]?.nodes[0]?.id, "a");
  });
});
