import assert from "node:assert/strict";
import type { Context } from "ts-micro";
import type { Client } from "ts-micro/client";
import { newHandler } from "ts-micro/server";
import { newGate } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";

export function limitTests(bench: ClientServerBench): void {
  const { deadlines, cancellation } = bench.supports;

  bench.test("a call that isn't answered in time fails with 408, and isn't repeated", async (world) => {
    let calls = 0;
    await world.serve({
      Ready: () => true,
      Hang: () => {
        calls++;
        return new Promise(() => {});
      },
    });
    // Connecting takes its time, and is tried elsewhere.
    await world.call("Ready");
    await assert.rejects(world.call("Hang", {}, { timeoutMs: 60, idempotent: true, retries: 3 }), {
      code: 408,
      reason: "timeout",
    });
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
      await world.serve({
        Look: async (_request: unknown, context: Context) => {
          seen.push(context.remainingMs() ?? Infinity);
          await to("Inner.Look", context);
          return {};
        },
        Hang: async (_request: unknown, context: Context) => {
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
      await assert.rejects(world.call("Hang", {}, { timeoutMs: 80 }), { code: 408 });
      await failed.passed;
      assert.match(String((failure as { reason?: string }).reason), /^(timeout|cancelled)$/);
    });

    bench.test("the handler's signal aborts when the time is up", async (world) => {
      const aborted = newGate();
      await world.serve({
        Hang: (_request: unknown, { signal }: Context) => untilAborted(signal, aborted.open),
      });
      await assert.rejects(world.call("Hang", {}, { timeoutMs: 60 }), { code: 408 });
      await aborted.passed;
    });
  }

  if (cancellation) {
    bench.test(
      "the handler's signal aborts when the caller cancels, gives up or goes away",
      async (world) => {
        const leave: ((client: Client, stop: AbortController) => void)[] = [
          (_client, stop) => stop.abort(),
          (client) => void client.close(),
          () => {},
        ];
        for (const [n, leaving] of leave.entries()) {
          const running = newGate();
          const aborted = newGate();
          const server = await world.serve({
            Hang: (_request: unknown, { signal }: Context) => {
              running.open();
              return untilAborted(signal, aborted.open);
            },
          });
          const client = world.client();
          const stop = new AbortController();
          const last = n === leave.length - 1;
          const call = client.call(
            world.request("Hang", { signal: stop.signal, timeoutMs: last ? 100 : 20_000 }),
          );
          const rejected = assert.rejects(call);
          await running.passed;
          leaving(client, stop);
          await Promise.all([rejected, aborted.passed]);
          await server.stop();
        }
      },
    );

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
