import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newClient } from "../../src/client/mucp.ts";
import { newLogger } from "../../src/logger.ts";
import { newMdnsRegistry } from "../../src/registry/mdns.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { newSelector } from "../../src/selector/registry.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { newMemoryTransport } from "../../src/transport/memory.ts";

const logger = newLogger({ write: () => {} });

interface Restarts {
  name: string;
  registry: Registry;
  transport: ReturnType<typeof newHttpTransport>;
  /** Starts a server and gives what stops it. */
  start(): Promise<() => Promise<unknown>>;
  times: number;
}

/** 200 callers that never pause while servers are replaced one after the other; gives what failed. */
async function failuresOf(context: TestContext, { name, registry, transport, start, times }: Restarts) {
  const selector = newSelector({ logger, parts: { registry } });
  const client = newClient({ requestTimeoutMs: 60_000, logger, parts: { selector, transport } });
  const running: (() => Promise<unknown>)[] = [];
  context.after(async () => {
    await client.close();
    await Promise.all(running.map((stop) => stop()));
    await selector.close();
    await registry.close();
  });
  running.push(await start(), await start());

  const failures: unknown[] = [];
  const calls: number[] = new Array(200).fill(0);
  let ending = false;
  const callers = calls.map(async (_, n) => {
    for (; !ending; calls[n] = (calls[n] ?? 0) + 1) {
      await client
        .call({ service: name, endpoint: "Work.Do", body: { ms: n % 10 } })
        .catch((thrown) => failures.push(thrown));
    }
  });
  for (let n = 0; n < times; n++) {
    running.push(await start());
    await running.shift()?.();
    // No call meets two restarts: it would need more than one retry.
    const before = [...calls];
    while (calls.some((count, n) => count < (before[n] ?? 0) + 2)) await sleep(1);
  }
  ending = true;
  await Promise.all(callers);
  return failures;
}

for (const { transport, propagationMs, times } of [
  { transport: newHttpTransport(), propagationMs: 50, times: 5 },
  // Without any delay most of the callers meet the goodbye.
  { transport: newHttpTransport(), propagationMs: 0, times: 5 },
  { transport: newMemoryTransport({ addresses: [randomUUID()] }), propagationMs: 0, times: 5 },
]) {
  test(`servers are restarted under load and no call fails: ${transport.name}, ${propagationMs} ms`, async (context) => {
    const registry = newMemoryRegistry({ addresses: [randomUUID()] });
    const start = async () => {
      const server = newServer({
        name: "work",
        address: "127.0.0.1:0",
        drain: { propagationMs },
        logger,
        parts: { registry, transport },
      });
      server.handle(
        newHandler("Work", {
          async Do({ ms }: { ms: number }) {
            await sleep(ms);
          },
        }),
      );
      await server.start();
      return () => server.stop();
    };
    assert.deepEqual(await failuresOf(context, { name: "work", registry, transport, start, times }), []);
  });
}

test("processes that are told to end under load, found by mDNS, lose no call", async (context) => {
  const name = `work-${randomUUID()}`;
  const program = fileURLToPath(new URL("./work-server.js", import.meta.url));
  const start = async () => {
    const child = spawn(process.execPath, [program, name, "300"], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    return async () => {
      child.kill("SIGTERM");
      assert.deepEqual(await exited, [0, null]);
    };
  };
  const registry = newMdnsRegistry({ logger });
  const transport = newHttpTransport();
  assert.deepEqual(await failuresOf(context, { name, registry, transport, start, times: 3 }), []);
});
