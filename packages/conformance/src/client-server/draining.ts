import assert from "node:assert/strict";
import type { Server } from "ts-micro/server";
import { newGate } from "../inbox.ts";
import type { ClientServerBench, World } from "./bench.ts";

export function drainingTests(bench: ClientServerBench): void {
  bench.test("stop waits for calls in flight, and they are answered", async (world) => {
    const running = newGate();
    const gate = newGate();
    const server = await world.serve(
      {
        Wait: async () => {
          running.open();
          await gate.passed;
          return "answer";
        },
      },
      { drain: { propagationMs: 0, budgetMs: 20_000 } },
    );
    const call = world.call("Wait");
    await running.passed;
    assert.equal(server.ready, true);
    const stopped = server.stop();
    assert.equal(server.stop(), stopped, "stopping twice is stopping once");
    assert.equal(server.ready, false);
    let ended = false;
    void stopped.then(() => {
      ended = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(ended, false);
    gate.open();
    assert.equal(await call, "answer");
    await stopped;
    await assert.rejects(world.call("Wait"), { reason: "service-not-found" });
    await server.stop();
  });

  bench.test("what outlasts the drain budget is cut off", async (world) => {
    const running = newGate();
    const server = await world.serve(
      {
        Hang: () => {
          running.open();
          return new Promise(() => {});
        },
      },
      { drain: { propagationMs: 0, budgetMs: 50 } },
    );
    const call = assert.rejects(world.call("Hang"), { reason: "connection-lost" });
    await running.passed;
    await Promise.all([server.stop(), call]);
  });

  bench.test("a server that was stopped starts again, at the same address too", async (world) => {
    const server = await world.serve({ Name: () => "here" }, { address: "127.0.0.1:0" });
    const { address } = server;
    assert.equal(await world.call("Name"), "here");
    await server.start();
    await server.stop();
    await assert.rejects(world.call("Name"));
    const again = await world.serve({ Name: () => "here again" }, { address });
    assert.equal(again.address, address);
    assert.equal(await world.call("Name"), "here again");
    await again.stop();
    await again.start();
    assert.equal(await world.call("Name"), "here again");
  });

  bench.test("no call fails while servers come and go", async (world) => {
    const drain = { propagationMs: 20, budgetMs: 20_000 };
    const serve = (): Promise<Server> =>
      world.serve(
        {
          Echo: async (request: unknown) => {
            await new Promise(setImmediate);
            return request;
          },
        },
        { drain },
      );
    const stop = new AbortController();
    const first = await serve();
    const replace = async (): Promise<void> => {
      let present = first;
      for (let round = 0; round < 5; round++) {
        const next = await serve();
        await present.stop();
        present = next;
      }
      stop.abort();
    };
    await Promise.all([replace(), ...Array.from({ length: 20 }, () => callUntil(world, stop.signal))]);
  });
}

/** One call after the other, none of which may fail. */
async function callUntil(world: World, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) assert.deepEqual(await world.call("Echo", { n }), { n });
}
