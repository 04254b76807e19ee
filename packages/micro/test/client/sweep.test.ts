import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Limit } from "../../src/client/limit.ts";
import { Limits } from "../../src/client/limits.ts";
import { serviceUnavailable } from "../../src/errors.ts";

const target = { service: "s", endpoint: "E.M" };

test("limits may be removed in any order and twice: the end of all reaches those that are left", () => {
  const limits = new Limits();
  const ended: number[] = [];
  const all = Array.from({ length: 7 }, (_, index) => new Limit(Infinity, target, () => ended.push(index)));
  for (const limit of all) limits.add(limit);
  for (const index of [6, 0, 3, 3, 0]) limits.remove(all[index] as Limit);
  assert.equal(limits.size, 4);
  limits.endAll(serviceUnavailable("test", "the end"));
  assert.deepEqual(ended.sort(), [1, 2, 4, 5]);
  for (const limit of all) limits.remove(limit);
  assert.equal(limits.size, 0);
});

test("a sweep ends what is due, except what the end of another has removed, and goes on for the rest", async () => {
  const limits = new Limits();
  const ended: string[] = [];
  const over = new EventTarget();
  const due = performance.now();
  const parent = new Limit(due, target, () => {
    ended.push("parent");
    limits.remove(parent);
    limits.remove(child);
  });
  const child = new Limit(due, target, () => ended.push("child"));
  const later = new Limit(due + 60, target, () => {
    ended.push("later");
    over.dispatchEvent(new Event("later"));
  });
  for (const limit of [parent, child, later]) limits.add(limit);
  await once(over, "later");
  assert.deepEqual(ended, ["parent", "later"]);
  assert.equal(later.error?.code, 408);
});
