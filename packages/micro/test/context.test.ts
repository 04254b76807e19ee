import assert from "node:assert/strict";
import { test } from "node:test";
import { CallContext } from "../src/context.ts";
import { MicroError } from "../src/errors.ts";

test("without a deadline there is none, and the signal waits for whoever cancels", () => {
  const context = new CallContext();
  assert.deepEqual(
    [context.deadline, context.remainingMs(), context.peer.address],
    [undefined, undefined, ""],
  );
  const { signal } = context;
  assert.equal(context.signal, signal, "made once");
  assert.equal(signal.aborted, false);
  context.cancel("first");
  context.cancel("second");
  assert.deepEqual([signal.aborted, signal.reason], [true, "first"]);
});

test("a signal that is read after the end has aborted already", () => {
  const context = new CallContext({ timeoutMs: 60_000 });
  context.cancel("gone");
  assert.equal(context.signal.reason, "gone");
});

test("the deadline aborts the signal with 408, not before its time", async () => {
  const remaining = new CallContext({ timeoutMs: 60_000 }).remainingMs() ?? 0;
  assert.ok(remaining > 0 && remaining <= 60_000, String(remaining));
  const context = new CallContext({ timeoutMs: 30 });
  // The signal's own timer keeps no process alive.
  const keepAlive = setInterval(() => {}, 1_000);
  await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
  clearInterval(keepAlive);
  assert.equal(context.remainingMs(), 0);
  const { reason } = context.signal;
  assert.ok(MicroError.is(reason));
  assert.deepEqual([reason.code, reason.reason], [408, "timeout"]);
});

test("a call that is over aborts nothing any more", async () => {
  const context = new CallContext({ timeoutMs: 20 });
  const { signal } = context;
  context.finish();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(signal.aborted, false);
});
