/** Connections that go silent without being closed, and what came meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { consul, type ServerProcess, startConsul, startSilenceableProxy } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { found, record, recordedLogger, serviceOf, until } from "./bench.ts";

const { skip } = consul();

async function silenced(server: ServerProcess, otherAddresses: readonly string[] = []) {
  const proxy = await startSilenceableProxy(server.address);
  const { lines, logger } = recordedLogger();
  const options = { holdMs: 500, timeoutMs: 1_000, graceMs: 1_000, logger };
  const registry = newRegistry({ ...options, addresses: [proxy.address, ...otherAddresses] });
  return {
    proxy,
    lines,
    registry,
    direct: newRegistry({ addresses: [server.address] }),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

test("a watch whose connection went silent is told what is different afterwards", { skip }, async () => {
  await using server = await startConsul();
  await using bench = await silenced(server);
  const { registry, direct, proxy, lines } = bench;
  await direct.register(serviceOf("silent", "staying", "going"));
  await until("both are known", async () => (await found(registry, "silent")).length === 2);
  const watched = record(await registry.watch({ service: "silent" }));
  proxy.silence();
  await direct.deregister(serviceOf("silent", "going"));
  await direct.register(serviceOf("silent", "coming"));
  await assert.rejects(registry.getService("silent"), { code: 503, reason: "connection-failed" });
  await until("the silence is noticed", () => lines.some((line) => line.includes("no answer within")));
  assert.deepEqual(watched.changes, []);
  proxy.speak();
  await until("the watch goes on", () => watched.changes.length >= 2);
  // What went away meanwhile is given the time to come back.
  assert.deepEqual(watched.changes, ["create coming", "delete going"]);
});

test("a quiet watch outlives many answers that tell nothing new", { skip }, async () => {
  await using server = await startConsul();
  await using bench = await silenced(server);
  const { registry, direct, lines } = bench;
  await direct.register(serviceOf("quiet", "a"), { ttlMs: 60_000 });
  await until("it is known", async () => (await found(registry, "quiet")).length === 1);
  const watched = record(await registry.watch({ service: "quiet" }));
  for (let n = 0; n < 20; n++) {
    await direct.register(serviceOf("other", String(n)));
    await direct.register(serviceOf("quiet", "a"), { ttlMs: 60_000 });
  }
  await direct.register(serviceOf("quiet", "b"));
  await until("the change", () => watched.changes.length > 0);
  assert.deepEqual(watched.changes, ["create b"]);
  assert.deepEqual(
    lines.filter((line) => line.includes("level=warn")),
    [],
  );
});

test("with a second agent in the list, a silent and a dead one harm neither calls nor watches", {
  skip,
}, async () => {
  await using server = await startConsul();
  await using bench = await silenced(server, ["127.0.0.1:1", server.address]);
  const { registry, direct, proxy } = bench;
  const watched = record(await registry.watch({ service: "failover" }));
  proxy.silence();
  await registry.register(serviceOf("failover", "a"), { ttlMs: 60_000 });
  await until("the watch turned to the other agent", () => watched.changes.length > 0);
  await direct.register(serviceOf("failover", "b"));
  await until("it goes on", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "create b"]);
  assert.deepEqual(await found(registry, "failover"), ["a", "b"]);
});
