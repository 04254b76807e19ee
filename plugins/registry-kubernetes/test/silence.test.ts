/** Connections that go silent without being closed, and changes that can't be gone on from. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kubernetes, startKubernetes, startSilenceableProxy } from "@ts-micro/conformance";
import { found, record, recordedLogger, registryOn, serviceOf, startPod, until } from "./bench.ts";

const { skip } = kubernetes();

test("a watch whose connection went silent is told what came meanwhile, in order", { skip }, async () => {
  await using server = await startKubernetes();
  await startPod(server, "a-pod");
  await using proxy = await startSilenceableProxy(server.address);
  const { lines, logger } = recordedLogger();
  const options = { addresses: [proxy.address], watchMs: 1_000, timeoutMs: 1_000, logger };
  await using registry = registryOn(server, "none", options);
  await using direct = registryOn(server, "a-pod");
  const watched = record(await registry.watch({ service: "silent" }));
  proxy.silence();
  await direct.register(serviceOf("silent", "a"));
  await direct.deregister(serviceOf("silent", "a"));
  await direct.register(serviceOf("silent", "b"));
  await assert.rejects(registry.getService("silent"), { code: 503, reason: "connection-failed" });
  await until("the silence is noticed", () => lines.some((line) => line.includes("the watch of")));
  assert.deepEqual(watched.changes, []);
  proxy.speak();
  await until("the watch goes on", () => watched.changes.length >= 3);
  assert.deepEqual(watched.changes, ["create a", "delete a", "create b"]);
});

test("a version that is too old to go on from is read anew, and the difference told", { skip }, async () => {
  await using server = await startKubernetes();
  for (const pod of ["a-pod", "b-pod"]) await startPod(server, pod);
  await using proxy = await startSilenceableProxy(server.address);
  const { lines, logger } = recordedLogger();
  const options = { addresses: [proxy.address], watchMs: 1_000, timeoutMs: 1_000, logger };
  await using registry = registryOn(server, "none", options);
  await using first = registryOn(server, "a-pod");
  await using second = registryOn(server, "b-pod");
  await first.register(serviceOf("old", "going"));
  const watched = record(await registry.watch({ service: "old" }));
  proxy.silence();
  await first.deregister(serviceOf("old", "going"));
  await second.register(serviceOf("old", "coming"));
  // What came before an API server's start it can't tell.
  await server.process.kill();
  await server.process.start();
  await until("the silence is noticed", () => lines.some((line) => line.includes("the watch of")));
  proxy.speak();
  await until("the watch goes on", () => watched.changes.length >= 2);
  assert.deepEqual(watched.changes.toSorted(), ["create coming", "delete going"]);
});

test("with a second server in the list, a silent and a dead one harm neither calls nor watches", {
  skip,
}, async () => {
  await using server = await startKubernetes();
  for (const pod of ["a-pod", "b-pod"]) await startPod(server, pod);
  await using proxy = await startSilenceableProxy(server.address);
  const addresses = [proxy.address, "127.0.0.1:1", server.address];
  await using registry = registryOn(server, "a-pod", { addresses, watchMs: 1_000, timeoutMs: 3_000 });
  await using direct = registryOn(server, "b-pod");
  const watched = record(await registry.watch({ service: "failover" }));
  proxy.silence();
  await registry.register(serviceOf("failover", "a"));
  await until("the watch turned to the other server", () => watched.changes.length > 0);
  await direct.register(serviceOf("failover", "b"));
  await until("it goes on", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "create b"]);
  assert.deepEqual(await found(registry, "failover"), ["a", "b"]);
});
