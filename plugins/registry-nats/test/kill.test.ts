import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nats, registryRecovery, startNats, startSilenceableProxy } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-nats";
import { newLogger } from "ts-micro";
import { greeter, record, until } from "./greeter.ts";

const logger = newLogger({ level: "fatal" });

registryRecovery("nats", {
  skip: nats().skip,
  // Two rounds of questions, which take longer than anybody needs to come back: `maxReconnectWaitMs` is 2 s.
  settleMs: 9_000,
  async start() {
    const process = await startNats();
    const options = { addresses: [process.address], refreshMs: 3_000 };
    return {
      process,
      create: (logger) => newRegistry({ ...options, logger }),
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  },
  // The server stores nothing: whoever has registered a node announces it when he can.
  supports: { losesNodes: false, registersLater: true },
});

describe("when owners go, and servers fall silent", {
  skip: nats().skip,
  timeout: 120_000,
  concurrency: true,
}, () => {
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
