import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError, type MicroErrorFields } from "../../src/errors.ts";
import type { Node } from "../../src/registry/registry.ts";
import { Avoidance } from "../../src/selector/avoidance.ts";

const a: Node = { id: "a", address: "h:1", metadata: {} };
const b: Node = { id: "b", address: "h:2", metadata: {} };
const nodes = [a, b];
const down = error({ code: 503, reason: "connection-failed" });

function error(fields: MicroErrorFields): MicroError {
  return new MicroError(fields);
}

/** Avoidance on a clock that stands still until the test moves it. */
function bench() {
  const clock = { now: 0 };
  const avoidance = new Avoidance({ avoidMs: 1_000, maxAvoidMs: 8_000, now: () => clock.now });
  const good = (): string =>
    avoidance
      .available("s", nodes)
      .map(({ id }) => id)
      .join();
  return { clock, avoidance, good };
}

test("without trouble nothing is copied", () => {
  const { avoidance } = bench();
  assert.equal(avoidance.available("s", nodes), nodes);
});

test("a node that can't be reached is avoided, then tried by one call alone", () => {
  const { clock, avoidance, good } = bench();
  assert.equal(avoidance.mark("s", a, down), true);
  assert.equal(good(), "b");
  clock.now = 1_001;
  assert.equal(good(), "a,b");
  avoidance.picked("s", a);
  assert.equal(good(), "b");
  avoidance.mark("s", a);
  assert.equal(good(), "a,b");
});

test("an answer that left the node before it failed doesn't make it good again", () => {
  const { clock, avoidance, good } = bench();
  avoidance.mark("s", a, down);
  avoidance.mark("s", a);
  assert.equal(good(), "b");
  clock.now = 1_001;
  avoidance.picked("s", a);
  avoidance.mark("s", a);
  assert.equal(good(), "a,b");
});

test("each further failure doubles the time, up to the limit", () => {
  const { clock, avoidance, good } = bench();
  for (const wait of [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]) {
    assert.equal(avoidance.mark("s", a, down), true);
    clock.now += wait * 0.75 - 1;
    assert.equal(good(), "b");
    clock.now += wait * 0.25 + 2;
    assert.equal(good(), "a,b");
    avoidance.picked("s", a);
  }
});

test("many calls that fail together count as one failure", () => {
  const { clock, avoidance, good } = bench();
  const outcomes = Array.from({ length: 200 }, () => avoidance.mark("s", a, down));
  assert.equal(outcomes.filter(Boolean).length, 1);
  clock.now = 1_001;
  assert.equal(good(), "a,b");
});

test("a probe that nobody reports on is over some time", () => {
  const { clock, avoidance, good } = bench();
  avoidance.mark("s", a, down);
  clock.now = 2_000;
  avoidance.picked("s", a);
  clock.now = 11_000;
  assert.equal(good(), "b");
  clock.now = 12_001;
  assert.equal(good(), "a,b");
});

test("errors tell apart what is down, what answers, and what says nothing about the node", () => {
  const cases: [MicroErrorFields, string][] = [
    [{ reason: "connection-failed", code: 503 }, "avoided"],
    [{ reason: "connection-lost", code: 503 }, "avoided"],
    [{ reason: "draining", code: 503 }, "avoided"],
    [{ code: 503, id: "greeter" }, "avoided"],
    [{ code: 502 }, "avoided"],
    [{ code: 500, id: "greeter" }, "fine"],
    [{ code: 404, id: "greeter" }, "fine"],
    [{ detail: "plain text of a handler" }, "fine"],
    [{ reason: "timeout", code: 408 }, "fine"],
    [{ reason: "cancelled", code: 499 }, "fine"],
    [{ reason: "closed", code: 503 }, "fine"],
    [{ reason: "too-large", code: 413 }, "fine"],
  ];
  for (const [fields, expected] of cases) {
    const { avoidance, good } = bench();
    avoidance.mark("s", a, error(fields));
    assert.equal(good() === "b" ? "avoided" : "fine", expected, JSON.stringify(fields));
  }
});

test("a node that lets three calls in a row run into their limit is avoided", () => {
  const { avoidance, good } = bench();
  const slow = error({ reason: "timeout", code: 408 });
  avoidance.mark("s", a, slow);
  avoidance.mark("s", a, slow);
  avoidance.mark("s", a);
  avoidance.mark("s", a, slow);
  avoidance.mark("s", a, slow);
  assert.equal(good(), "a,b");
  avoidance.mark("s", a, slow);
  assert.equal(good(), "b");
});

test("a node that comes back as another one starts with a clean slate, others keep theirs", () => {
  const { avoidance, good } = bench();
  avoidance.mark("s", a, down);
  avoidance.keep("s", [structuredClone(a), b]);
  assert.equal(good(), "b");
  avoidance.keep("s", [{ ...a, metadata: { started: "again" } }, b]);
  assert.equal(good(), "a,b");
  avoidance.mark("s", a, down);
  avoidance.keep("s", [b]);
  assert.equal(good(), "a,b");
  avoidance.mark("s", a, down);
  avoidance.reset("s");
  assert.equal(good(), "a,b");
});
