import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nats, startNats, startSilenceableProxy } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-nats";
import { newLogger, newService } from "ts-micro";
import { greeter, record, until } from "./greeter.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers and owners go and come back", {
  skip: nats().skip,
  timeout: 120_000,
  concurrency: true,
}, () => {
  test("a server that is killed in mid-traffic for 20 s: no call fails, nothing flaps, everything comes back", async (t) => {
    const name = "nats-kill";
    await using server = await startNats();
    // Two rounds take longer than anybody needs to come back: `maxReconnectWaitMs` is 2 s.
    const create = () => newRegistry({ addresses: [server.address], refreshMs: 3_000, logger });
    const partOptions = { server: { address: "127.0.0.1:0", registerIntervalMs: 500, logger } };
    const service = newService({ name, registry: create, partOptions, logger });
    service.handle("Greeter", { Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }) });
    await service.start();
    const caller = newService({ name: `${name}-caller`, registry: create, logger });
    const failures: unknown[] = [];
    let calls = 0;
    let going = true;
    const traffic = (async () => {
      while (going) {
        await caller.client.call({ service: name, endpoint: "Greeter.Hello", body: { name: "John" } }).then(
          () => calls++,
          (thrown) => failures.push(thrown),
        );
        await pause(5);
      }
    })();
    t.after(async () => {
      going = false;
      await traffic;
      await Promise.all([caller.stop(), service.stop()]);
    });
    await using bystander = create();
    const told = record(await bystander.watch());
    await bystander.register(greeter(`${name}-other`, "a"));
    await until(() => calls > 10 && told.length === 1);

    await server.kill();
    const before = calls;
    await pause(20_000);
    assert.ok(calls > before + 10, "calls go on without a registry");
    await assert.rejects(bystander.getService(name), { code: 503, reason: "not-connected" });
    await assert.rejects(bystander.register(greeter(`${name}-other`, "b")), { code: 503 });

    await server.start();
    await using newcomer = create();
    await until(async () => (await newcomer.getService(name)).length === 1);
    await until(async () => (await newcomer.getService(`${name}-other`)).length === 1);
    await newcomer.register(greeter(`${name}-other`, "c"));
    await until(() => told.includes("create c"));
    // Two rounds of questions later nobody is missing.
    await pause(9_000);
    assert.deepEqual(
      told.filter((line) => /delete/.test(line)),
      [],
    );
    assert.deepEqual(failures, []);
    going = false;
    await traffic;
    await caller.stop();
    await service.stop();
    await until(() => told.some((line) => /delete/.test(line)));
  });

  test("a process that was killed is told as deleted when it doesn't answer", async () => {
    await using server = await startNats();
    await using registry = newRegistry({ addresses: [server.address], refreshMs: 300, logger });
    const told = record(await registry.watch({ service: "dying" }));
    const registrar = fileURLToPath(new URL("registrar.js", import.meta.url));
    const child = spawn(process.execPath, [registrar, server.address, "dying"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await until(() => told.length === 1);
    child.kill("SIGKILL");
    await until(() => told.length === 2);
    assert.deepEqual(told, ["create other", "delete other"]);
    assert.deepEqual(await registry.getService("dying"), []);
  });

  test("a connection that falls silent is given up after three pings, and everything comes back on the next", async () => {
    await using server = await startNats();
    await using proxy = await startSilenceableProxy(server.address);
    const options = { pingIntervalMs: 200, timeoutMs: 1_000, refreshMs: 500, logger };
    await using silent = newRegistry({ ...options, addresses: [proxy.address] });
    await using other = newRegistry({ ...options, addresses: [server.address] });
    await silent.register(greeter("silence", "a"));
    const told = record(await silent.watch({ service: "silence" }));
    proxy.silence();
    await other.register(greeter("silence", "b"));
    await until(async () =>
      silent.getService("silence").then(
        () => false,
        () => true,
      ),
    );
    assert.deepEqual(told, []);
    proxy.speak();
    await until(() => told.length > 0);
    assert.deepEqual(told, ["create b"]);
    await until(async () => (await other.getService("silence"))[0]?.nodes.length === 2);
  });
});
