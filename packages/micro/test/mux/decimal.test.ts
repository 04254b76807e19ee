import assert from "node:assert/strict";
import { test } from "node:test";
import { decimal } from "../../src/mux/decimal.ts";

test("the digits are those of the number", () => {
  for (const number of [
    0,
    1,
    9,
    10,
    999,
    1000,
    1001,
    9999,
    10_000,
    123_456,
    4_000_000_000,
    2 ** 48,
    10 ** 15,
  ]) {
    assert.equal(decimal(number), String(number));
  }
  for (let number = 1; number < 2 ** 48; number = number * 3 + 7)
    assert.equal(decimal(number), String(number));
});
