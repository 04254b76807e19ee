import assert from "node:assert/strict";
import { test } from "node:test";
import kafkajs from "kafkajs";
import { rangeAssigner } from "../src/assigner.ts";

const { MemberAssignment } = kafkajs.AssignerProtocol;

/** Who gets what, where members subscribe to topics of so many partitions. */
async function divided(subscriptions: Record<string, string[]>, partitions: Record<string, number>) {
  const assigner = rangeAssigner(async (topic) =>
    // As a server may tell them: in any order.
    Array.from({ length: partitions[topic] ?? 0 }, (_, index) => index).reverse(),
  );
  const members = Object.entries(subscriptions).map(([memberId, topics]) => ({
    memberId,
    memberMetadata: assigner.protocol({ topics }).metadata,
  }));
  const assigned = await assigner.assign({ members, topics: [] });
  return Object.fromEntries(
    assigned.map(({ memberId, memberAssignment }) => [
      memberId,
      { ...MemberAssignment.decode(memberAssignment)?.assignment },
    ]),
  );
}

test("each topic goes to the members that subscribe to it", async () => {
  const found = await divided({ a: ["one"], b: ["two"], c: ["one", "two"] }, { one: 4, two: 1 });
  assert.deepEqual(found, { a: { one: [0, 1] }, b: { two: [0] }, c: { one: [2, 3] } });
});

test("every partition has one member, however they divide", async () => {
  for (let members = 1; members <= 7; members++) {
    for (let partitions = 0; partitions <= 9; partitions++) {
      const names = Array.from({ length: members }, (_, index) => `m${index}`);
      const found = await divided(Object.fromEntries(names.map((name) => [name, ["t"]])), { t: partitions });
      const shares = names.map((name) => found[name]?.t ?? []);
      assert.deepEqual(
        shares.flat(),
        Array.from({ length: partitions }, (_, index) => index),
      );
      const sizes = shares.map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join());
    }
  }
});

test("a topic that is gone is nobody's", async () => {
  assert.deepEqual(await divided({ a: ["gone", "there"] }, { there: 1 }), { a: { there: [0] } });
});
