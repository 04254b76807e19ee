import assert from "node:assert/strict";
import type { Context } from "ts-micro";
import type { CallRequest, Client } from "ts-micro/client";
import { newHandler } from "ts-micro/server";
import { newGate } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";

export function limitTests(bench: ClientServerBench): void {
  const { deadlines, cancellation } = bench.supports;

  bench.test("a call that isn't answered in time fails with 408, and isn't repeated", async (world) => {
    let calls = 0;
    await world.serve({
      Hang: () => {
        calls++;
        return new Promise(() => {});
      },
    });
    const options = { timeoutMs: 60, idempotent: true, retries: 3 };
    await untilReached(
      () => calls > 0,
      () => assert.rejects(world.call("Hang", {}, options), { code: 408, reason: "timeout" }),
    );
    assert.equal(calls, 1);
    const client = world.client({ requestTimeoutMs: 60 });
    await assert.rejects(client.call(world.request("Hang")), { code: 408, reason: "timeout" });
  });

  bench.test("a call that was cancelled before it began is not sent", async ({ serve, call }) => {
    let calls = 0;
    await serve({ Count: () => ++calls });
    await assert.rejects(call("Count", {}, { signal: AbortSignal.abort() }), {
      code: 499,
      reason: "cancelled",
    });
    await call("Count");
    assert.equal(calls, 1);
  });

  bench.test("cancelling a call ends it at once", async (world) => {
    const running = newGate();
    await world.serve({
      Hang: () => {
        running.open();
        return new Promise(() => {});
      },
    });
    const stop = new AbortController();
    const call = world.call("Hang", {}, { signal: stop.signal });
    await running.passed;
    stop.abort(new Error("enough"));
    await assert.rejects(call, { code: 499, reason: "cancelled" });
  });

  bench.test("closing the client fails its calls, and later ones", async (world) => {
    const running = newGate();
    await world.serve({
      Hang: () => {
        running.open();
        return new Promise(() => {});
      },
    });
    const client = world.client();
    const call = client.call(world.request("Hang", { idempotent: true }));
    await running.passed;
    await Promise.all([
      assert.rejects(call, { code: 503, reason: "closed" }),
      client.close(),
      client.close(),
    ]);
    await assert.rejects(client.call(world.request("Hang")), { code: 503, reason: "closed" });
  });

  if (deadlines) {
    bench.test("the handler sees the caller's remaining time", async (world) => {
      const seen: (number | undefined)[] = [];
      await world.serve({
        Look: (_request: unknown, context: Context) => {
          seen.push(context.remainingMs());
          return {};
        },
      });
      await world.call("Look", {}, { timeoutMs: 60_000 });
      await world.client({ requestTimeoutMs: 120_000 }).call(world.request("Look"));
      const [first = 0, second = 0] = seen;
      assert.ok(first > 0 && first <= 60_000, `${first} of 60_000`);
      assert.ok(second > 60_000 && second <= 120_000, `${second} of 120_000`);
    });

    bench.test("a nested call has the remaining time of its caller, not more", async (world) => {
      const seen: number[] = [];
      let nested: Client | undefined;
      let failure: unknown;
      const { service } = world;
      const inner = world.create({ name: `${service}.inner` });
      inner.handle(
        newHandler("Inner", {
          Look: (_request: unknown, context: Context) => {
            seen.push(context.remainingMs() ?? Infinity);
            return {};
          },
          Hang: () => new Promise(() => {}),
        }),
      );
      await inner.start();
      const to = (endpoint: string, context: Context) =>
        nested?.call({ service: `${service}.inner`, endpoint, context, timeoutMs: 600_000 });
      const failed = newGate();
      let reached = false;
      await world.serve({
        Look: async (_request: unknown, context: Context) => {
          seen.push(context.remainingMs() ?? Infinity);
          await to("Inner.Look", context);
          return {};
        },
        Hang: async (_request: unknown, context: Context) => {
          reached = true;
          failure = await to("Inner.Hang", context)?.catch((thrown) => thrown);
          failed.open();
          // An answer now might come just before the caller notices that its time is up.
          return new Promise(() => {});
        },
      });
      nested = world.client();
      await world.call("Look", {}, { timeoutMs: 60_000 });
      const [outer = 0, innermost = Infinity] = seen;
      assert.ok(innermost > 0 && innermost <= outer + 1, `${innermost} after ${outer}`);
      await untilReached(
        () => reached,
        () => assert.rejects(world.call("Hang", {}, { timeoutMs: 80 }), { code: 408 }),
      );
      await failed.passed;
      assert.match(String((failure as { reason?: string }).reason), /^(timeout|cancelled)$/);
    });

    bench.test("the handler's signal aborts when the time is up", async (world) => {
      const aborted = newGate();
      let reached = false;
      await world.serve({
        Hang: (_request: unknown, { signal }: Context) => {
          reached = true;
          return untilAborted(signal, aborted.open);
        },
      });
      await untilReached(
        () => reached,
        () => assert.rejects(world.call("Hang", {}, { timeoutMs: 60 }), { code: 408 }),
      );
      await aborted.passed;
    });
  }

  if (cancellation) {
    for (const [how, leave] of Object.entries(leavings)) {
      bench.test(`the handler's signal aborts when the caller ${how}`, async (world) => {
        const running = newGate();
        const aborted = newGate();
        await world.serve({
          Hang: (_request: unknown, { signal }: Context) => {
            running.open();
            return untilAborted(signal, aborted.open);
          },
        });
        await leave(world.client(), world.request("Hang", { timeoutMs: 20_000 }), running.passed);
        await aborted.passed;
      });
    }

    bench.test("a cancellation travels on through a nested call", async (world) => {
      const running = newGate();
      const aborted = newGate();
      const { service } = world;
      const inner = world.create({ name: `${service}.inner` });
      inner.handle(
        newHandler("Inner", {
          Hang: (_request: unknown, { signal }: Context) => {
            running.open();
            return untilAborted(signal, aborted.open);
          },
        }),
      );
      await inner.start();
      const nested = world.client();
      await world.serve({
        Hang: (_request: unknown, context: Context) =>
          nested.call({ service: `${service}.inner`, endpoint: "Inner.Hang", context }),
      });
      const stop = new AbortController();
      const call = world.call("Hang", {}, { signal: stop.signal });
      await running.passed;
      stop.abort();
      await assert.rejects(call, { code: 499 });
      await aborted.passed;
    });
  }
}

type Leave = (client: Client, request: CallRequest, running: Promise<void>) => Promise<void>;

/** A call whose caller leaves once the handler runs, each in another way. */
const leavings: Record<string, Leave> = {
  async cancels(client, request, running) {
    const stop = new AbortController();
    const rejected = assert.rejects(client.call({ ...request, signal: stop.signal }), { code: 499 });
    await running;
    stop.abort();
    await rejected;
  },
  async "goes away"(client, request, running) {
    const rejected = assert.rejects(client.call(request), { reason: "closed" });
    await running;
    await Promise.all([client.close(), rejected]);
  },
  async "gives up"(client, request, running) {
    let reached = false;
    void running.then(() => {
      reached = true;
    });
    await untilReached(
      () => reached,
      () => assert.rejects(client.call({ ...request, timeoutMs: 100 }), { code: 408 }),
    );
  },
};

/** Repeats a call of little time until it reaches its handler: on a busy machine the time may be up before. */
async function untilReached(reached: () => boolean, attempt: () => Promise<void>): Promise<void> {
  do await attempt();
  while (!reached());
}

/** A handler that waits for its caller to leave. */
function untilAborted(signal: AbortSignal, aborted: () => void): Promise<unknown> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => {
      aborted();
      reject(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
