import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "../src/duration.ts";

test("Go's durations are read as milliseconds", () => {
  for (const [text, ms] of [
    ["500ms", 500],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["0", 0],
    ["-2s", -2_000],
    ["250us", 0.25],
  ] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test("other texts are no durations", () => {
  for (const text of ["", "5", "5 s", "s", "1m30", "abc", "1d", "--1s"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("durations are written as Go writes them", () => {
  for (const [ms, text] of [
    [0, "0s"],
    [500, "500ms"],
    [1_500, "1.5s"],
    [90_000, "1m30s"],
    [3_600_000, "1h0m0s"],
  ] as const) {
    assert.equal(formatDuration(ms), text);
  }
});
