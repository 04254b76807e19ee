import assert from "node:assert/strict";
import { internalServerError, MicroError, serviceUnavailable } from "ts-micro";
import type { RetryFunction } from "ts-micro/client";
import { newGate } from "../inbox.ts";
import type { ClientServerBench, World } from "./bench.ts";

export function retryTests(bench: ClientServerBench): void {
  bench.test("what one node answers with 503 is asked of the next, once", async (world) => {
    const { runs, nodes } = await counted(world, [busy, () => "answer"]);
    assert.equal(await world.call("Run"), "answer");
    assert.deepEqual(runs, [1, 1]);
    assert.deepEqual(
      world.selector.marks.map(({ address, error }) => [address, error?.code]),
      [
        [nodes[0], 503],
        [nodes[1], undefined],
      ],
      "the selector learns how each attempt went",
    );
  });

  bench.test("retries is the number of repetitions, and the last error is given", async (world) => {
    const { runs } = await counted(world, [busy, busy, busy, busy]);
    await assert.rejects(world.call("Run", {}, { retries: 2 }), { code: 503, detail: "busy", id: "node" });
    assert.deepEqual(runs, [1, 1, 1, 0]);
    await assert.rejects(world.call("Run", {}, { retries: 0 }), { code: 503 });
    assert.deepEqual(runs, [2, 1, 1, 0]);
    const client = world.client({ retries: 3 });
    await assert.rejects(client.call(world.request("Run")), { code: 503 });
    assert.deepEqual(runs, [3, 2, 2, 1]);
  });

  bench.test("an error of the handler is not repeated, idempotent or not", async (world) => {
    const errors = [
      internalServerError("node", "failed"),
      new MicroError({ id: "node", code: 408, detail: "the database took too long" }),
      new Error("failed"),
    ];
    let error = 0;
    const fail = (): never => {
      throw errors[error];
    };
    const { runs } = await counted(world, [fail, fail]);
    for (; error < errors.length; error++) {
      for (const idempotent of [false, true]) {
        await assert.rejects(world.call("Run", {}, { retries: 5, idempotent }));
      }
    }
    assert.deepEqual(runs, [2 * errors.length, 0]);
  });

  bench.test("a node where nobody listens is passed over", async (world) => {
    const { runs } = await counted(world, [() => "answer"]);
    const dead = await world.addDeadNode();
    assert.equal(await world.call("Run"), "answer");
    assert.deepEqual(runs, [1]);
    assert.equal(world.selector.marks[0]?.address, dead.address);
    assert.equal(world.selector.marks[0]?.error?.reason, "connection-failed");
    await assert.rejects(world.call("Run", {}, { retries: 0 }), { code: 503, reason: "connection-failed" });
  });

  bench.test(
    "a request that never left is tried on every node, whatever retries says above 0",
    async (world) => {
      const { runs } = await counted(world, [() => "answer"]);
      for (let dead = 0; dead < 3; dead++) await world.addDeadNode();
      assert.equal(await world.call("Run", {}, { retries: 1 }), "answer");
      assert.deepEqual(runs, [1]);
      const dead = world.selector.marks.filter(({ error }) => error?.reason === "connection-failed");
      assert.equal(dead.length, 3);
    },
  );

  bench.test("a connection that breaks in mid-call is repeated only for idempotent calls", async (world) => {
    for (const idempotent of [false, true]) {
      const running = newGate();
      const hang = (): Promise<never> => {
        running.open();
        return new Promise(() => {});
      };
      const { runs, servers } = await counted(world, [hang, () => "answer"]);
      const call = world.call("Run", {}, { idempotent });
      const ended = idempotent
        ? call.then((answer) => assert.equal(answer, "answer"))
        : assert.rejects(call, { code: 500, reason: "connection-lost" });
      await running.passed;
      // No time to drain: what is in flight is cut off.
      await servers[0]?.stop();
      await ended;
      assert.deepEqual(runs, [1, idempotent ? 1 : 0]);
      await servers[1]?.stop();
    }
  });

  bench.test("a retry function and a back-off of the caller's own decide instead", async (world) => {
    const fail = (): never => {
      throw internalServerError("node", "failed");
    };
    const { runs } = await counted(world, [fail, fail, fail, fail]);
    const asked: unknown[] = [];
    const waits: number[] = [];
    const retry: RetryFunction = async ({ request, number, error, neverLeft }) => {
      asked.push([request.endpoint, number, error.detail, neverLeft]);
      return number < 2;
    };
    const backoff = (number: number): number => {
      waits.push(number);
      return 1;
    };
    await assert.rejects(world.call("Run", {}, { retries: 5, retry, backoff }), { detail: "failed" });
    assert.deepEqual(runs, [1, 1, 1, 0]);
    assert.deepEqual(asked, [
      ["Test.Run", 0, "failed", false],
      ["Test.Run", 1, "failed", false],
      ["Test.Run", 2, "failed", false],
    ]);
    assert.deepEqual(waits, [1, 2]);
    const client = world.client({ retry: () => false });
    await world.addDeadNode();
    await assert.rejects(client.call(world.request("Run")), { reason: "connection-failed" });
  });
}

function busy(): never {
  throw serviceUnavailable("node", "busy");
}

/** One server per handler, and how often each handler ran. */
async function counted(world: World, handlers: readonly (() => unknown)[]) {
  const runs = handlers.map(() => 0);
  const servers = [];
  for (const [n, handler] of handlers.entries()) {
    const server = await world.serve({
      Run: () => {
        runs[n] = (runs[n] ?? 0) + 1;
        return handler();
      },
    });
    servers.push(server);
  }
  return { runs, servers, nodes: servers.map(({ address }) => address) };
}
