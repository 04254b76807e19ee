import assert from "node:assert/strict";
import { test } from "node:test";
import { Ring } from "../../src/mux/ring.ts";

test("one that lasts keeps its number while thousands come and go on its place", () => {
  const ring = new Ring<string>();
  ring.set(1, "lasts");
  for (let id = 2; id < 5_000; id++) {
    ring.set(id, `call ${id}`);
    assert.equal(ring.get(id), `call ${id}`);
    assert.equal(ring.get(id - 1), id === 2 ? "lasts" : undefined);
    ring.delete(id);
    ring.delete(id);
  }
  assert.equal(ring.get(1), "lasts");
  assert.equal(ring.size, 1);
});

test("more than have places are all there, and are taken out together", () => {
  const ring = new Ring<number>();
  const ids = Array.from({ length: 3_000 }, (_, index) => index + 1);
  for (const id of ids) ring.set(id, id);
  assert.ok(ids.every((id) => ring.get(id) === id));
  assert.equal(ring.values().length, ids.length);
  assert.deepEqual(
    ring.clear().sort((a, b) => a - b),
    ids,
  );
  assert.equal(ring.size, 0);
  assert.equal(ring.get(1), undefined);
});

test("a range gives those that are pending, however long a peer says it is", () => {
  const ring = new Ring<number>();
  // The first keeps the place of one that comes later.
  for (const id of [1, 5, 6, 1025, 2_000]) ring.set(id, id);
  ring.delete(6);
  assert.deepEqual(ring.between(2, 1_000), [5]);
  assert.deepEqual(ring.between(1_025, 1_025), [1025]);
  assert.deepEqual(ring.between(7, 3), []);
  const all = ring.between(0, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    all.sort((a, b) => a - b),
    [1, 5, 1025, 2000],
  );
});
