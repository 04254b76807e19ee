/** Connections that go silent without being closed, and what came meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { etcd, type ServerProcess, startEtcd, startSilenceableProxy } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { ask, base64, record, recordedLogger, serviceOf, until } from "./bench.ts";

const { skip } = etcd();

async function silenced(server: ServerProcess, otherAddresses: readonly string[] = []) {
  const proxy = await startSilenceableProxy(server.address);
  const { lines, logger } = recordedLogger();
  const options = { silenceMs: 500, timeoutMs: 1_000, logger };
  const registry = newRegistry({ ...options, addresses: [proxy.address, ...otherAddresses] });
  return {
    ...proxy,
    lines,
    registry,
    direct: newRegistry({ addresses: [server.address] }),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

test("a watch whose connection went silent is told what came meanwhile, in order", { skip }, async () => {
  await using server = await startEtcd();
  await using bench = await silenced(server);
  const { registry, direct } = bench;
  await direct.register(serviceOf("silent", "known"));
  const watched = record(await registry.watch({ service: "silent" }));
  bench.silence();
  await direct.register(serviceOf("silent", "a"));
  await direct.deregister(serviceOf("silent", "a"));
  await direct.register(serviceOf("silent", "b"));
  await assert.rejects(registry.getService("silent"), { code: 503, reason: "connection-failed" });
  await until("the silence is noticed", () => bench.lines.some((line) => line.includes("no answer within")));
  assert.deepEqual(watched.changes, []);
  bench.speak();
  await until("the watch goes on", () => watched.changes.length >= 3);
  assert.deepEqual(watched.changes, ["create a", "delete a", "create b"]);
});

test("what was compacted meanwhile is compared, and the difference told", { skip }, async () => {
  await using server = await startEtcd();
  await using bench = await silenced(server);
  const { registry, direct } = bench;
  await direct.register(serviceOf("compacted", "staying", "going"));
  const watched = record(await registry.watch({ service: "compacted" }));
  bench.silence();
  await direct.register(serviceOf("compacted", "passing"));
  await direct.deregister(serviceOf("compacted", "passing", "going"));
  await direct.register(serviceOf("compacted", "coming"));
  const { header } = (await ask(server.address, "kv/range", { key: base64("x") })) as {
    header: { revision: string };
  };
  await ask(server.address, "kv/compaction", { revision: header.revision });
  await until("the silence is noticed", () => bench.lines.some((line) => line.includes("no answer within")));
  bench.speak();
  await until("the watch goes on", () => watched.changes.length >= 2);
  assert.deepEqual(watched.changes.sort(), ["create coming", "delete going"]);
});

test("a quiet watch outlives many renewals and a compaction without a word", { skip }, async () => {
  await using server = await startEtcd();
  await using bench = await silenced(server);
  const { registry, direct } = bench;
  await direct.register(serviceOf("quiet", "a"));
  const watched = record(await registry.watch({ service: "quiet" }));
  for (let n = 0; n < 20; n++) await direct.register(serviceOf("other", String(n)));
  await ask(server.address, "kv/compaction", { revision: "20" });
  await until("a renewal after the compaction", () => bench.lines.some((line) => line.includes("compacted")));
  await until("it is watched again", () => bench.lines.some((line) => line.includes("watched again")));
  await direct.register(serviceOf("quiet", "b"));
  await until("the change", () => watched.changes.length > 0);
  assert.deepEqual(watched.changes, ["create b"]);
  assert.deepEqual(
    bench.lines.filter((line) => line.includes("level=warn")),
    [],
  );
});

test("with a second member in the list, a silent and a dead one harm neither calls nor watches", {
  skip,
}, async () => {
  await using server = await startEtcd();
  await using bench = await silenced(server, ["127.0.0.1:1", server.address]);
  const { registry, direct } = bench;
  const watched = record(await registry.watch({ service: "failover" }));
  bench.silence();
  await registry.register(serviceOf("failover", "a"), { ttlMs: 60_000 });
  await until("the watch turned to the other member", () => watched.changes.length > 0);
  await direct.register(serviceOf("failover", "b"));
  await until("it goes on", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "create b"]);
  assert.equal((await registry.getService("failover"))[0]?.nodes.length, 2);
});
