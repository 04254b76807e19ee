import assert from "node:assert/strict";
import { type Context, conflict, getMetadata, serviceUnavailable } from "ts-micro";
import type { CallWrapper } from "ts-micro/client";
import type { HandlerWrapper } from "ts-micro/server";
import type { ClientServerBench } from "./bench.ts";

export function wrapperTests(bench: ClientServerBench): void {
  bench.test("call wrappers are around each attempt, the first outermost", async (world) => {
    const trace: string[] = [];
    const wrapper =
      (name: string): CallWrapper =>
      (next) =>
      async (attempt) => {
        trace.push(`${name} ${attempt.number} ${attempt.node.address}`);
        try {
          return await next(attempt);
        } finally {
          trace.push(`${name} ends`);
        }
      };
    let runs = 0;
    const run = (): string => {
      if (runs++ === 0) throw serviceUnavailable("node", "busy");
      return "answer";
    };
    const first = await world.serve({ Run: run });
    const second = await world.serve({ Run: run });
    const client = world.client({ wrapCall: [wrapper("outer"), wrapper("inner")] });
    assert.equal(await client.call(world.request("Run")), "answer");
    assert.deepEqual(
      trace,
      [first, second].flatMap(({ address }, number) => [
        `outer ${number} ${address}`,
        `inner ${number} ${address}`,
        "inner ends",
        "outer ends",
      ]),
    );
  });

  bench.test("a call wrapper is made once, sees answer and error, and may answer itself", async (world) => {
    let made = 0;
    const seen: unknown[] = [];
    const wrapper: CallWrapper = (next) => {
      made++;
      return async (attempt) => {
        if (attempt.request.endpoint === "Test.Own") return "from the wrapper";
        try {
          const answer = await next(attempt);
          seen.push(answer);
          return `wrapped ${answer}`;
        } catch (thrown) {
          seen.push((thrown as { code: number }).code);
          throw thrown;
        }
      };
    };
    await world.serve({
      Run: () => "answer",
      Fail: () => {
        throw conflict("s", "taken");
      },
    });
    const client = world.client({ wrapCall: [wrapper] });
    assert.equal(await client.call(world.request("Run")), "wrapped answer");
    assert.equal(await client.call(world.request("Own")), "from the wrapper");
    await assert.rejects(client.call(world.request("Fail")), { code: 409 });
    assert.deepEqual(seen, ["answer", 409]);
    assert.equal(made, 1);
  });

  if (bench.supports.metadata) {
    bench.test("a call wrapper adds metadata, to the attempt or a copy of it", async (world) => {
      const adds: CallWrapper = (next) => (attempt) => {
        attempt.metadata["x-added"] = String(attempt.number);
        // It adds; it can't make the call another one.
        Object.assign(attempt.metadata, { "micro-endpoint": "Test.Other", "micro-topic": "news" });
        return next(attempt);
      };
      const copies: CallWrapper = (next) => (attempt) =>
        next({ ...attempt, metadata: { ...attempt.metadata, "X-Copied": "yes" } });
      await world.serve({
        Read: (_request: unknown, context: Context) =>
          ["X-Added", "X-Copied", "X-Own"].map((key) => getMetadata(context.metadata, key)),
        Other: () => "not meant",
      });
      const client = world.client({ wrapCall: [adds, copies] });
      const request = world.request("Read", { metadata: { "X-Own": "own" } });
      assert.deepEqual(await client.call(request), ["0", "yes", "own"]);
    });
  }

  bench.test(
    "handler wrappers are around each call, the first outermost, and may answer themselves",
    async (world) => {
      const trace: string[] = [];
      const wrapper =
        (name: string): HandlerWrapper =>
        (next) =>
        async (request, context) => {
          trace.push(`${name} ${request.endpoint}`);
          if (name === "outer" && request.endpoint === "Test.Own") return "from the wrapper";
          try {
            return await next(request, context);
          } finally {
            trace.push(`${name} ends`);
          }
        };
      await world.serve(
        { Run: () => "answer", Own: () => "from the handler" },
        { wrapHandler: [wrapper("outer"), wrapper("inner")] },
      );
      assert.equal(await world.call("Run"), "answer");
      assert.equal(await world.call("Own"), "from the wrapper");
      assert.deepEqual(trace, [
        "outer Test.Run",
        "inner Test.Run",
        "inner ends",
        "outer ends",
        "outer Test.Own",
      ]);
    },
  );

  bench.test(
    "what a handler wrapper throws reaches the caller, and the handler doesn't run",
    async (world) => {
      let runs = 0;
      const refuse: HandlerWrapper = () => () => {
        throw conflict("guard", "not today");
      };
      await world.serve({ Run: () => ++runs }, { wrapHandler: [refuse] });
      await assert.rejects(world.call("Run"), { id: "guard", code: 409 });
      assert.equal(runs, 0);
    },
  );
}
