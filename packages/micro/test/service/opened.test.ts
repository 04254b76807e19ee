import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { tables } from "../../src/cmd/defaults.ts";
import { newLogger } from "../../src/logger.ts";
import { newService, type ServiceOptions } from "../../src/service.ts";

/** What this process holds open to the network. */
function sockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|UDP|TLS|GetAddrInfo)/.test(name));
}

const before = sockets();

test("making a part of any table opens nothing", () => {
  for (const [kind, table] of Object.entries(tables)) {
    for (const [name, factory] of Object.entries(table)) {
      Reflect.apply(factory, undefined, [{}]);
      assert.deepEqual(sockets(), before, `${kind} ${name}`);
    }
  }
});

test("a service opens what it uses of the parts that were chosen, and closes it", async () => {
  const alone: ServiceOptions = {
    name: "opened",
    address: "127.0.0.1:0",
    drain: { propagationMs: 0 },
    argv: [],
    env: {},
    logger: newLogger({ write: () => {} }),
  };
  const listener = "TCPServerWrap";
  for (const [chosen, expected] of [
    [{ registry: "memory" }, [listener]],
    [{ registry: "memory", transport: "memory", broker: "memory" }, []],
  ] as const) {
    await using service = newService({ ...alone, ...chosen });
    service.handle("Greeter", { Hello: () => "hello" });
    await service.init();
    assert.deepEqual(sockets(), before, "initialised");
    await service.start();
    assert.deepEqual(sockets(), [...before, ...expected], "started");
    assert.equal(await service.client.call({ service: "opened", endpoint: "Greeter.Hello" }), "hello");
    await service.stop();
    // The system ends connections a moment later.
    for (let turns = 0; sockets().length > before.length && turns < 500; turns++) await sleep(10);
    assert.deepEqual(sockets(), before, "stopped");
  }
});
