import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "../../src/broker/queue.ts";

test("a queue gives what it was given, in that order, whatever is between", () => {
  const queue = new Queue<number>();
  const expected: number[] = [];
  let next = 0;
  for (const [pushes, shifts] of [
    [3, 1],
    [0, 5],
    [1_000, 400],
    [7, 600],
    [2, 9],
  ] as const) {
    for (let count = 0; count < pushes; count++) {
      queue.push(next);
      expected.push(next++);
    }
    for (let count = 0; count < shifts; count++) assert.equal(queue.shift(), expected.shift());
    assert.equal(queue.size, expected.length);
  }
  queue.push(next);
  queue.push(next + 1);
  queue.shift();
  assert.deepEqual(queue.clear(), [...expected, next, next + 1].slice(1));
  assert.equal(queue.size, 0);
  assert.equal(queue.shift(), undefined);
});
