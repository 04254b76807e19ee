/** What one lane of a load does until the time is up. As many lanes run together as are asked for. */
import { setImmediate } from "node:timers/promises";
import type { LoadKind } from "./cases.ts";
import { type Answer, answerTo, type Caller, itemsPerStream, type Turns } from "./contender.ts";
import type { Load } from "./process.ts";
import type { Watch } from "./watch.ts";

/** Gives how many it made. */
type Lane = (caller: Caller, load: Load, watch: Watch) => Promise<number>;

/** Calls in a process are so short that to look at the clock for each would be a part of what is measured. */
const callsInARow = 256;

/** Messages that are published before others get their turn, and what they have brought is read. */
const messagesInARow = 16;

export const lanes: Readonly<Record<LoadKind, Lane>> = {
  calls: async (caller, { question }, watch) => {
    const expected = answerTo(question);
    let calls = 0;
    for (; !watch.isOver; calls++) {
      const begun = watch.nextIsTimed() ? performance.now() : undefined;
      check(await caller.call(question), expected);
      if (begun !== undefined) watch.took(begun, performance.now());
    }
    return calls;
  },

  streams: async (caller, load, watch) => {
    const turns: Turns | undefined = await caller.open?.();
    if (turns === undefined) throw new Error("the contender has no streams");
    const count = await lanes.calls({ ...turns, call: (question) => turns.call(question) }, load, watch);
    await turns.close();
    return count;
  },

  items: async (caller, { question }, watch) => {
    const expected = answerTo(question);
    let items = 0;
    for (let begun = performance.now(); !watch.isOver; ) {
      const before = items;
      for await (const answer of caller.items?.(question) ?? []) {
        check(answer, expected);
        items++;
      }
      if (items - before !== itemsPerStream) throw new Error(`a stream of ${items - before} answers`);
      const ended = performance.now();
      watch.took(begun, ended, itemsPerStream);
      begun = ended;
    }
    return items;
  },

  local: async (caller, { question }, watch) => {
    const expected = answerTo(question);
    let calls = 0;
    for (let begun = performance.now(); !watch.isOver; calls += callsInARow) {
      let answer: Answer | undefined;
      for (let call = 0; call < callsInARow; call++) answer = await caller.call(question);
      check(answer as Answer, expected);
      const ended = performance.now();
      watch.took(begun, ended, callsInARow);
      begun = ended;
    }
    return calls;
  },

  events: async (caller, { question }, watch) => {
    let messages = 0;
    for (let begun = performance.now(); !watch.isOver; messages += messagesInARow) {
      for (let message = 0; message < messagesInARow; message++) await caller.publish?.(question);
      watch.took(begun, performance.now(), messagesInARow);
      await setImmediate();
      begun = performance.now();
    }
    return messages;
  },
};

function check(answer: Answer, expected: Answer): void {
  const isRight =
    answer.msg === expected.msg &&
    answer.data?.length === expected.data?.length &&
    answer.document?.id === expected.document?.id;
  if (!isRight) {
    throw new Error(`a wrong answer: ${JSON.stringify(answer).slice(0, 200)}`);
  }
}
