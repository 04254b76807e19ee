import assert from "node:assert/strict";
import { test } from "node:test";
import { retryWaitMs } from "ts-micro";

test("waits are doubled up to the longest, and lie in the upper half of each", () => {
  for (const [failures, longestMs, limit] of [
    [0, 2_000, 100],
    [1, 2_000, 100],
    [2, 2_000, 200],
    [5, 2_000, 1_600],
    [6, 2_000, 2_000],
    [1_000_000, 2_000, 2_000],
    [1, 10, 10],
    [9, 0, 0],
  ] as const) {
    const waits = Array.from({ length: 1_000 }, () => retryWaitMs(failures, longestMs));
    assert.ok(
      waits.every((wait) => wait >= limit / 2 && wait <= limit),
      `${failures} failures, at most ${longestMs} ms: ${Math.min(...waits)} to ${Math.max(...waits)}`,
    );
    // Each half of the jitter's range is met.
    assert.equal(
      waits.some((wait) => wait < limit * 0.75),
      limit > 0,
    );
    assert.equal(
      waits.some((wait) => wait > limit * 0.75),
      limit > 0,
    );
  }
});
