import assert from "node:assert/strict";
import { test } from "node:test";
import type { Question } from "../src/contender.ts";
import { answerTo } from "../src/contender.ts";
import { lanes } from "../src/lanes.ts";
import { Watch } from "../src/watch.ts";

const question: Question = { name: "world" };
const load = { question, kind: "calls", inFlight: 1, ms: 0 } as const;

function callerThat(answers: (call: number) => Question) {
  let calls = 0;
  return { call: async () => answerTo(answers(++calls)), close: async () => {} };
}

test("an answer that is wrong ends the load, also where the clock is not looked at", async () => {
  const watch = new Watch(Number.POSITIVE_INFINITY);
  const caller = callerThat((call) => (call === 10 ? { name: "moon" } : question));
  await assert.rejects(lanes.calls(caller, load, watch), /a wrong answer: {"msg":"hello moon"}/);
  // The first and the eighth were timed.
  assert.equal(watch.latenciesMs.length, 2);
});

test("all lanes stop when a timed call ends after the end", async () => {
  const watch = new Watch(0);
  const caller = callerThat(() => question);
  const counts = await Promise.all([lanes.calls(caller, load, watch), lanes.calls(caller, load, watch)]);
  assert.deepEqual(counts, [1, 1]);
});
