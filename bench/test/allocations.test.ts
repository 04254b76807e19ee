import assert from "node:assert/strict";
import test from "node:test";
import { Allocations } from "../src/allocations.ts";
import { jsonFloor } from "../src/contenders/limits.ts";
import { mucp, mux } from "../src/contenders/ours.ts";

const margin = 4 / 3;

/** Compilers may be late on a busy machine, and code that isn't compiled allocates more. */
const attempts = 5;

/**
 * What a call may allocate, as a multiple of the JSON floor's in the same process: a third more than it was
 * when the figure was written, on Node 20. Lower it when a change makes calls leaner.
 */
for (const [name, contender, measured, calls] of [
  ["mux", mux, 1.4, 20_000],
  ["mucp", mucp, 8.1, 5_000],
] as const) {
  test(`a call by ${name} allocates no more beside the JSON floor than it did`, async (t) => {
    await using floor = await Allocations.of(jsonFloor, calls);
    await using ours = await Allocations.of(contender, calls);
    let lowest = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < attempts && lowest > measured * margin; attempt++) {
      const [limit, own] = [await floor.perCall(calls), await ours.perCall(calls)];
      t.diagnostic(`${Math.round(own)} bytes for a call, ${Math.round(limit)} for one of the floor`);
      lowest = Math.min(lowest, own / limit);
    }
    assert.ok(
      lowest <= measured * margin,
      `${lowest.toFixed(2)} times the floor, of ${measured} when measured`,
    );
  });
}
