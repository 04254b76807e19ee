import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownNodes, nodeEntries } from "../../src/registry/known-nodes.ts";
import type { Result, Service } from "../../src/registry/registry.ts";

function serviceOf(version: string, ...ids: string[]): Service {
  const nodes = ids.map((id) => ({ id, address: `${id}:80`, metadata: {} }));
  return { name: "greeter", version, metadata: {}, endpoints: [], nodes };
}

const entriesOf = (...ids: string[]) => nodeEntries([serviceOf("1", ...ids)]);

function newBench() {
  const told: string[] = [];
  const known = new KnownNodes(({ action, service: { version, nodes } }: Result) => {
    told.push(`${action} ${nodes.map(({ id, address }) => `${id} ${version} ${address}`)}`);
  });
  return { known, told };
}

test("what is there at the beginning is told to nobody, and changes are told once, node by node", () => {
  const { known, told } = newBench();
  known.begin(entriesOf("a", "b"));
  known.replace(entriesOf("a", "b"));
  assert.deepEqual(told, []);
  for (const entry of entriesOf("b", "c")) for (let times = 0; times < 2; times++) known.put(...entry);
  assert.deepEqual(told, ["create c 1 c:80"]);
  known.replace([...entriesOf("a"), ...nodeEntries([{ ...serviceOf("1", "b"), metadata: { team: "x" } }])]);
  assert.deepEqual(told.splice(0), ["create c 1 c:80", "update b 1 b:80", "delete c 1 c:80"]);
  for (let times = 0; times < 2; times++) for (const [key] of entriesOf("a")) known.remove(key);
  assert.deepEqual(told, ["delete a 1 a:80"]);
  assert.equal(known.size, 1);
  known.begin([]);
  assert.equal(known.size, 0);
});

test("a text that is given decides about a change, and a key that is given about the node", () => {
  const { known, told } = newBench();
  const [[, record]] = entriesOf("a") as [ReturnType<typeof entriesOf>[number]];
  known.put("key", record, "one");
  known.put("key", { ...record, version: "2" }, "one");
  assert.deepEqual(told, ["create a 1 a:80"]);
  known.put("key", { ...record, version: "2" }, "two");
  assert.deepEqual(told, ["create a 1 a:80", "update a 2 a:80"]);
});

test("changes of others are applied: a delete without nodes means all of its version, and no other", () => {
  const { known, told } = newBench();
  known.apply({ action: "update", service: serviceOf("1", "a", "b") });
  known.apply({ action: "create", service: serviceOf("2", "c") });
  known.apply({ action: "delete", service: serviceOf("2", "a") });
  assert.deepEqual(told.splice(0), ["create a 1 a:80", "create b 1 b:80", "create c 2 c:80"]);
  known.apply({ action: "delete", service: serviceOf("1", "a") });
  known.apply({ action: "delete", service: { ...serviceOf("1"), name: "another" } });
  assert.deepEqual(told.splice(0), ["delete a 1 a:80"]);
  known.apply({ action: "delete", service: serviceOf("1") });
  assert.deepEqual(told, ["delete b 1 b:80"]);
});

test("what a reader does to a record changes nothing that is known", () => {
  const told: Service[] = [];
  const known = new KnownNodes(({ service }) => void told.push(service));
  for (const entry of entriesOf("a")) known.put(...entry);
  if (told[0]?.nodes[0] !== undefined) told[0].nodes[0].address = "mine";
  known.replace([]);
  assert.equal(told[1]?.nodes[0]?.address, "a:80");
});

test("missing nodes are kept for a time, in which those that come back are no change", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { known, told } = newBench();
  known.begin(entriesOf("back", "gone", "removed"));
  known.replace([], 1_000);
  assert.deepEqual([known.size, known.keys().filter((key) => known.isPresent(key))], [3, []]);
  for (const entry of entriesOf("back")) known.put(...entry);
  for (const [key] of entriesOf("removed")) known.remove(key);
  assert.deepEqual(told.splice(0), ["delete removed 1 removed:80"]);
  // One that is kept stays, whatever else goes.
  known.replace(entriesOf("back", "new"));
  t.mock.timers.tick(999);
  assert.deepEqual(told.splice(0), ["create new 1 new:80"]);
  t.mock.timers.tick(1);
  assert.deepEqual(told.splice(0), ["delete gone 1 gone:80"]);
  t.mock.timers.tick(10_000);
  assert.deepEqual(told, []);
  assert.deepEqual(
    known.keys().map((key) => known.isPresent(key)),
    [true, true],
  );
});

test("another outage gives missing nodes the longer time; a closed one gives nobody up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { known, told } = newBench();
  known.begin(entriesOf("a"));
  known.replace([], 1_000);
  known.replace([], 5_000);
  known.replace([], 10);
  t.mock.timers.tick(4_999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  assert.deepEqual(told.splice(0), ["delete a 1 a:80"]);
  known.begin(entriesOf("b"));
  known.replace([], 1_000);
  known.close();
  known.close();
  t.mock.timers.tick(10_000);
  assert.deepEqual(told, []);
});
