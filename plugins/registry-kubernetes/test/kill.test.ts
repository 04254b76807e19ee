/** The API server is killed in mid-traffic, and comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { kubernetes, startKubernetes } from "@ts-micro/conformance";
import { newService } from "ts-micro";
import { found, record, recordedLogger, registryOn, serviceOf, startPod, until } from "./bench.ts";

const { skip } = kubernetes();

test("killed for 20 s in mid-traffic: no call fails, nothing flaps, watches go on", { skip }, async () => {
  const name = "greeter";
  await using server = await startKubernetes();
  for (const pod of ["greeter-pod", "caller-pod", "bystander-pod"]) await startPod(server, pod);
  const { logger } = recordedLogger();
  const options = { timeoutMs: 2_000, watchMs: 5_000, logger };
  const partOptions = { server: { address: "127.0.0.1:0", registerIntervalMs: 500, logger } };
  const greeter = newService({
    name,
    registry: () => registryOn(server, "greeter-pod", options),
    partOptions,
    logger,
  });
  greeter.handle("Greeter", { Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }) });
  await greeter.start();
  const caller = newService({
    name: "caller",
    registry: () => registryOn(server, "caller-pod", options),
    logger,
  });
  let calls = 0;
  let going = true;
  const failures: string[] = [];
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
  const callsGoOn = async () => {
    const before = calls;
    await until("further calls", () => calls > before + 10);
  };
  try {
    await callsGoOn();
    await using registry = registryOn(server, "bystander-pod", options);
    const watched = record(await registry.watch());

    await server.process.kill();
    await assert.rejects(registry.getService(name), { code: 503, reason: "connection-failed" });
    await assert.rejects(registry.register(serviceOf("bystander", "a")), { code: 503 });
    await assert.rejects(registry.watch(), { code: 503 });
    await pause(20_000);
    await callsGoOn();
    await server.process.start();

    await until("the node is there", async () => (await found(registry, name)).length === 1);
    await registry.register(serviceOf("bystander", "b"));
    await until("the watch goes on", () => watched.changes.length > 0);
    await callsGoOn();
    assert.deepEqual(watched.changes, ["create b"]);
    assert.deepEqual(failures, []);
  } finally {
    going = false;
    await loop;
    await caller.stop();
    await greeter.stop();
  }
});
