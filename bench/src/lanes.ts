/** What one lane of a load does until the time is up. As many lanes run together as are asked for. */
import { setImmediate } from "node:timers/promises";
import type { Kind } from "./cases.ts";
import {
  type Answer,
  answerTo,
  type Caller,
  itemsPerStream,
  type Question,
  type Turns,
} from "./contender.ts";
import type { Load } from "./process.ts";

/** Gives how many it made, and adds the milliseconds that each took to `latencies`. */
type Lane = (caller: Caller, load: Load, start: number, latencies: number[]) => Promise<number>;

/** Calls in a process are so short that to look at the clock for each would be a part of what is measured. */
const callsInARow = 256;

/** Messages that are published before others get their turn, and what they have brought is read. */
const messagesInARow = 16;

export const lanes: Readonly<Record<Exclude<Kind, "imports" | "answers">, Lane>> = {
  calls: async (caller, load, start, latencies) => {
    let calls = 0;
    for (let begun = performance.now(); begun - start < load.ms; calls++) {
      check(await caller.call(load.question), load.question);
      const ended = performance.now();
      latencies.push(ended - begun);
      begun = ended;
    }
    return calls;
  },

  streams: async (caller, load, start, latencies) => {
    const turns: Turns | undefined = await caller.open?.();
    if (turns === undefined) throw new Error("the contender has no streams");
    const count = await lanes.calls(
      { ...turns, call: (question) => turns.call(question) },
      load,
      start,
      latencies,
    );
    await turns.close();
    return count;
  },

  items: async (caller, load, start, latencies) => {
    let items = 0;
    for (let begun = performance.now(); begun - start < load.ms; ) {
      const before = items;
      for await (const answer of caller.items?.(load.question) ?? []) {
        check(answer, load.question);
        items++;
      }
      if (items - before !== itemsPerStream) throw new Error(`a stream of ${items - before} answers`);
      const ended = performance.now();
      latencies.push((ended - begun) / itemsPerStream);
      begun = ended;
    }
    return items;
  },

  local: async (caller, load, start, latencies) => {
    let calls = 0;
    for (let begun = performance.now(); begun - start < load.ms; calls += callsInARow) {
      let answer: Answer | undefined;
      for (let call = 0; call < callsInARow; call++) answer = await caller.call(load.question);
      check(answer as Answer, load.question);
      const ended = performance.now();
      latencies.push((ended - begun) / callsInARow);
      begun = ended;
    }
    return calls;
  },

  events: async (caller, load, start, latencies) => {
    let messages = 0;
    for (let begun = performance.now(); begun - start < load.ms; messages += messagesInARow) {
      for (let message = 0; message < messagesInARow; message++) await caller.publish?.(load.question);
      const ended = performance.now();
      latencies.push((ended - begun) / messagesInARow);
      await setImmediate();
      begun = performance.now();
    }
    return messages;
  },
};

function check(answer: Answer, question: Question): void {
  const expected = answerTo(question);
  const isRight =
    answer.msg === expected.msg &&
    answer.data?.length === expected.data?.length &&
    answer.document?.id === expected.document?.id;
  if (!isRight) {
    throw new Error(`a wrong answer: ${JSON.stringify(answer).slice(0, 200)}`);
  }
}
