import assert from "node:assert/strict";
import { test } from "node:test";
import { newProgress } from "../src/progress.ts";

test("what is done out of order waits for all before it", () => {
  const progress = newProgress(10);
  for (const offset of [10, 11, 12, 15]) progress.begin(offset);
  progress.done(12);
  progress.done(15);
  assert.deepEqual([progress.next, progress.ahead], [10, 4]);
  progress.done(10);
  assert.deepEqual([progress.next, progress.ahead], [11, 3]);
  progress.done(11);
  // Offsets may be missing: of transactions, or compacted away.
  assert.deepEqual([progress.next, progress.ahead], [16, 0]);
});

test("a message that comes again is known", () => {
  const progress = newProgress(10);
  for (const offset of [10, 11, 12]) progress.begin(offset);
  progress.done(10);
  progress.done(12);
  assert.deepEqual(
    [9, 10, 11, 12, 13].map((offset) => progress.wants(offset)),
    [false, false, false, false, true],
  );
  progress.done(12);
  progress.done(99);
  assert.equal(progress.next, 11);
});

test("the note tells whoever comes next how often a message was tried", () => {
  const first = newProgress(10);
  for (const offset of [10, 11, 12, 14, 15]) assert.equal(first.begin(offset), 1);
  first.done(10);
  first.done(14);
  first.returned(12, 0);
  first.returned(15, 3);
  assert.equal(first.note, "0:1,4:3");
  const second = newProgress(first.next, first.note);
  // What isn't begun yet stays noted.
  assert.equal(second.note, first.note);
  assert.deepEqual(
    [11, 12, 13, 14, 15].map((offset) => second.begin(offset)),
    [2, 1, 1, 1, 4],
  );
  assert.equal(second.note, "0:2,1-3:1,4:4");
});

test("a note of somebody else's says nothing, and a forged one takes little memory", () => {
  for (const note of ["hello", "1-:2", "{}", "0:1,", "0-1-2:3", "1".repeat(5_000)]) {
    assert.equal(newProgress(0, note).note, "", note);
  }
  assert.equal(newProgress(0, "0-999999999999:1").begin(500_000), 1);
});

test("a note is never longer than Kafka takes", () => {
  const progress = newProgress(0);
  for (let offset = 0; offset < 4_000; offset += 2) progress.begin(offset);
  assert.ok(progress.note.length > 4_000 && progress.note.length <= 4_096);
  assert.match(progress.note, /^0:1,2:1,4:1.*\d+:1$/);
});
