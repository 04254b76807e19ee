import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultBackoff, defaultRetry, RetryBudget } from "../../src/client/retry.ts";
import { internalServerError, MicroError, serviceUnavailable, timeout } from "../../src/errors.ts";

test("the wait grows as go-micro's, and is anywhere below that", () => {
  const longest = [100, 600, 1_900, 4_300, 7_900];
  for (const [index, limit] of longest.entries()) {
    const waits = Array.from({ length: 500 }, () => defaultBackoff(index + 1) as number);
    assert.ok(Math.min(...waits) >= 0 && Math.max(...waits) < limit, `retry ${index + 1}`);
    assert.ok(Math.min(...waits) < limit * 0.2, "jitter reaches down");
    assert.ok(Math.max(...waits) > limit * 0.8, "jitter reaches up");
  }
  assert.ok((defaultBackoff(14) as number) < 120_000);
});

test("only what does no harm is repeated by default", () => {
  const request = { service: "s", endpoint: "A.B" };
  const idempotent = { ...request, idempotent: true };
  const lost = internalServerError("c", "lost", { reason: "connection-lost" });
  const cases = [
    { what: "never left", request, neverLeft: true, error: lost, repeated: true },
    {
      what: "answered 503",
      request,
      neverLeft: false,
      error: serviceUnavailable("s", "busy"),
      repeated: true,
    },
    {
      what: "handler's 500",
      request,
      neverLeft: false,
      error: internalServerError("s", "x"),
      repeated: false,
    },
    {
      what: "handler's 500, idempotent",
      request: idempotent,
      neverLeft: false,
      error: internalServerError("s", "x"),
      repeated: false,
    },
    {
      what: "handler's 408",
      request: idempotent,
      neverLeft: false,
      error: timeout("s", "x"),
      repeated: false,
    },
    {
      what: "plain text",
      request,
      neverLeft: false,
      error: new MicroError({ detail: "x" }),
      repeated: false,
    },
    { what: "lost", request, neverLeft: false, error: lost, repeated: false },
    { what: "lost, idempotent", request: idempotent, neverLeft: false, error: lost, repeated: true },
    {
      what: "client closed",
      request: idempotent,
      neverLeft: false,
      error: serviceUnavailable("c", "x", { reason: "closed" }),
      repeated: false,
    },
  ];
  for (const { what, repeated, ...failed } of cases) {
    assert.equal(defaultRetry({ number: 0, ...failed }), repeated, what);
  }
});

test("the budget allows a burst of 100 retries, then one in ten calls", () => {
  const budget = new RetryBudget();
  const spent = (inFlight = 1) =>
    Array.from({ length: 1_000 }, () => budget.spend(inFlight)).filter(Boolean).length;
  assert.equal(spent(), 100);
  for (let calls = 0; calls < 55; calls++) budget.earn();
  assert.equal(spent(), 5);
  for (let calls = 0; calls < 100_000; calls++) budget.earn();
  assert.equal(spent(), 100, "a quiet time saves up no more than the burst");
  assert.equal(spent(250), 150, "of many calls in flight each may be repeated once");
  assert.equal(spent(), 0);
});
