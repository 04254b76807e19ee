import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../../src/registry/registry.ts";
import { newRoundRobin, random } from "../../src/selector/strategies.ts";

function nodes(count: number, prefix = "n"): Node[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${prefix}${index}`,
    address: "h:1",
    metadata: {},
  }));
}

function count(ids: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}

test("random gives each node its share", () => {
  const counts = count(Array.from({ length: 30_000 }, () => random("s", nodes(3)).id));
  for (const times of Object.values(counts))
    assert.ok(Math.abs(times - 10_000) < 1_000, JSON.stringify(counts));
  assert.equal(Object.keys(counts).length, 3);
});

test("round robin remembers from call to call, for each service", () => {
  const strategy = newRoundRobin();
  const seen = Array.from({ length: 40 }, () => [strategy("s", nodes(4)).id, strategy("t", nodes(2)).id]);
  assert.deepEqual(Object.values(count(seen.map(([s]) => s ?? ""))), [10, 10, 10, 10]);
  assert.deepEqual(Object.values(count(seen.map(([, t]) => t ?? ""))), [20, 20]);
  const first = seen.slice(0, 4).map(([s]) => s);
  assert.deepEqual(
    seen.slice(4, 8).map(([s]) => s),
    first,
  );
});

test("round robin stays fair when two kinds of calls see different nodes in turn", () => {
  const strategy = newRoundRobin();
  const [x, y, z] = nodes(3) as [Node, Node, Node];
  const seen = Array.from({ length: 100 }, () => [strategy("s", [x]).id, strategy("s", [y, z]).id]).flat();
  assert.deepEqual(count(seen), { n0: 100, n1: 50, n2: 50 });
});

test("a node that comes is next once, one that goes isn't missed, and memory stays bounded", () => {
  const strategy = newRoundRobin();
  for (let turn = 0; turn < 10; turn++) strategy("s", nodes(2));
  const more = [...nodes(2), ...nodes(1, "new")];
  assert.deepEqual(count(Array.from({ length: 30 }, () => strategy("s", more).id)), {
    new0: 10,
    n0: 10,
    n1: 10,
  });
  for (let round = 0; round < 5_000; round++) strategy("s", [...nodes(1), ...nodes(1, `passing${round}-`)]);
  assert.deepEqual(
    Object.values(count(Array.from({ length: 30 }, () => strategy("s", nodes(3)).id))),
    [10, 10, 10],
  );
});
