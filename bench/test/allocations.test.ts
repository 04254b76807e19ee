import assert from "node:assert/strict";
import test from "node:test";
import { Allocations } from "../src/allocations.ts";
import { mucp, mux } from "../src/contenders/ours.ts";

/** Runs differ by three percent, and Node 20, 22 and 24 by no more: so a fifth more is always found. */
const margin = 1.12;

/** Compilers may be late on a busy machine, and code that isn't compiled allocates more. */
const attempts = 5;

/** Bytes that a small call allocates at both ends together, in a test, whose runner follows each promise. Lower a figure when a change makes calls leaner. */
for (const [name, contender, measured, calls] of [
  ["mux", mux, 2_950, 20_000],
  ["mucp", mucp, 7_800, 10_000],
] as const) {
  test(`a call by ${name} allocates no more than it did`, async (t) => {
    await using ours = await Allocations.of(contender, calls);
    let lowest = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < attempts && lowest > measured * margin; attempt++) {
      const bytes = await ours.perCall(calls);
      t.diagnostic(`${Math.round(bytes)} bytes for a call`);
      lowest = Math.min(lowest, bytes);
    }
    assert.ok(lowest <= measured * margin, `${Math.round(lowest)} bytes, of ${measured} when measured`);
  });
}
