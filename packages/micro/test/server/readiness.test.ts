import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServerOver } from "../../src/server/lifecycle.ts";
import type { WireHost } from "../../src/server/wire.ts";
import { signal } from "./start-server.ts";

test("a protocol is told when the server becomes ready, drains, or gets a handler", async (context) => {
  const hub = randomUUID();
  const given = signal<WireHost>();
  let fails = false;
  const server = newServerOver(
    {
      name: "quiet",
      protocol: "quiet",
      async listen(host) {
        given.done(host);
        return { address: "127.0.0.1:1", transport: "none", leave() {}, async close() {}, destroy() {} };
      },
    },
    {
      name: "readiness",
      registerIntervalMs: 10,
      registerCheck() {
        if (fails) throw new Error("not now");
      },
      drain: { propagationMs: 20, budgetMs: 5_000 },
      logger: newLogger({ write() {} }),
      parts: {
        registry: newMemoryRegistry({ addresses: [hub] }),
        broker: newMemoryBroker({ addresses: [hub] }),
      },
    },
  );
  const alive = setInterval(() => {}, 1_000);
  context.after(() => {
    clearInterval(alive);
    return server.stop();
  });
  const starting = server.start();
  const { readiness, router } = await given.promise;
  assert.equal(readiness.ready, false);

  let observe: () => void = () => {};
  const unobserve = readiness.observe(() => observe());
  const becomes = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      observe = () => holds() && resolve();
      observe();
    });

  await becomes(() => readiness.ready);
  await starting;
  assert.equal(server.ready, true);

  const added = becomes(() => router.handlers().some(({ name }) => name === "Greeter"));
  server.handle(newHandler("Greeter", { Hello: () => ({}) }));
  await added;

  fails = true;
  await becomes(() => !readiness.ready);
  fails = false;
  await becomes(() => readiness.ready);

  const draining = becomes(() => !readiness.ready);
  const stopped = server.stop();
  await draining;
  await stopped;
  unobserve();
  observe = () => assert.fail("nobody observes any more");
  server.handle(newHandler("Late", { Hello: () => ({}) }));
});
