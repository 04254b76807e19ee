/** Consul is killed in mid-traffic, and comes back with its data or without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { consul, startConsul } from "@ts-micro/conformance";
import { newService } from "ts-micro";
import { newRegistry } from "../src/index.ts";
import { found, record, recordedLogger, serviceOf, until } from "./bench.ts";

const { skip } = consul();

/** A greeter and its caller, each with a registry of its own, while calls go on. */
async function traffic(address: string, name: string) {
  const { lines, logger } = recordedLogger();
  const create = () => newRegistry({ addresses: [address], timeoutMs: 2_000, graceMs: 8_000, logger });
  // A TTL that runs out while Consul is dead.
  const times = { registerIntervalMs: 500, registerTtlMs: 5_000 };
  const partOptions = { server: { address: "127.0.0.1:0", ...times, logger } };
  const greeter = newService({ name, registry: create, partOptions, logger });
  greeter.handle("Greeter", { Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }) });
  await greeter.start();
  const caller = newService({ name: `${name}-caller`, registry: create, logger });
  let calls = 0;
  const failures: string[] = [];
  let going = true;
  const loop = (async () => {
    while (going) {
      const body = { name: "John" };
      await caller.client.call({ service: name, endpoint: "Greeter.Hello", body }).then(
        () => calls++,
        (error) => failures.push(String(error)),
      );
      await pause(5);
    }
  })();
  await until("a first call", () => calls > 0);
  return {
    lines,
    create,
    failures,
    async callsGoOn() {
      const before = calls;
      await until("further calls", () => calls > before + 10);
    },
    async [Symbol.asyncDispose]() {
      going = false;
      await loop;
      await caller.stop();
      await greeter.stop();
    },
  };
}

test("killed for 20 s in mid-traffic, back with its data: no call fails, nothing flaps", {
  skip,
}, async () => {
  const name = "kill-same-data";
  await using server = await startConsul();
  await using greeting = await traffic(server.address, name);
  await using registry = greeting.create();
  await registry.register(serviceOf("kill-bystander", "a"));
  const watched = record(await registry.watch({ service: name }));
  const bystander = record(await registry.watch({ service: "kill-bystander" }));

  await server.kill();
  await assert.rejects(registry.getService(name), { code: 503, reason: "connection-failed" });
  await assert.rejects(registry.register(serviceOf("kill-bystander", "b")), { code: 503 });
  await assert.rejects(registry.watch(), { code: 503 });
  await pause(20_000);
  await greeting.callsGoOn();
  await server.start();

  await until("the node is there", async () => (await found(registry, name)).length === 1);
  await registry.register(serviceOf("kill-bystander", "c"));
  await until("the watch goes on", () => bystander.changes.length > 0);
  await greeting.callsGoOn();
  assert.deepEqual(bystander.changes, ["create c"]);
  assert.deepEqual(watched.changes, []);
  assert.deepEqual(greeting.failures, []);
});

test("back without its data: services register again, only those that don't are given up", {
  skip,
}, async () => {
  const name = "kill-no-data";
  await using server = await startConsul();
  await using greeting = await traffic(server.address, name);
  await using registry = greeting.create();
  await registry.register(serviceOf(name, "gone"));
  const watched = record(await registry.watch({ service: name }));

  await server.kill();
  await server.start({ empty: true });
  await until("the greeter is registered again", async () => (await found(registry, name)).length === 1);
  await until("the other node is given up", () => watched.changes.length > 0);
  await greeting.callsGoOn();
  assert.deepEqual(watched.changes, ["delete gone"]);
  assert.equal((await found(registry, name)).length, 1);
  await registry.register(serviceOf(name, "new"));
  await until("the watch goes on", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["delete gone", "create new"]);
});
