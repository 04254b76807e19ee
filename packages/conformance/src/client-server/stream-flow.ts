import assert from "node:assert/strict";
import { stream } from "ts-micro/server";
import { newGate } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";

/** Far more than all buffers between a client and a server of one machine hold together. */
const messages = 2_000;
const text = "x".repeat(32 * 1024);

export function streamFlowTests(bench: ClientServerBench): void {
  bench.test("a slow reader makes the handler wait", async (world) => {
    let produced = 0;
    await world.serve({
      Flood: stream(async function* () {
        for (; produced < messages; produced++) yield { n: produced, text };
      }),
    });
    const flood = await world.client().stream<{ n: number }>(world.request("Flood"));
    const answers = flood[Symbol.asyncIterator]();
    assert.equal((await answers.next()).value.n, 0);
    await standstill(() => produced);
    assert.ok(produced < messages, "everything was produced for a reader that doesn't read");
    let next = 1;
    for await (const { n } of flood) assert.equal(n, next++);
    assert.equal(next, messages);
  });

  bench.test("a slow handler makes the sender wait", async (world) => {
    const gate = newGate();
    let taken = 0;
    const done = newGate();
    await world.serve({
      Sink: stream(async function* (requests: AsyncIterable<{ n: number }>) {
        for await (const { n } of requests) {
          assert.equal(n, taken++);
          if (taken === 1) await gate.passed;
          if (taken === messages) break;
        }
        done.open();
        yield { taken };
      }),
    });
    const sink = await world.client().stream<{ taken: number }>(world.request("Sink"));
    let sent = 0;
    const sending = (async () => {
      for (; sent < messages; sent++) await sink.send({ n: sent, text });
    })();
    await standstill(() => sent);
    assert.ok(sent < messages, "everything was sent to a handler that takes nothing");
    gate.open();
    await sending;
    await done.passed;
    for await (const answer of sink) assert.deepEqual(answer, { taken: messages });
  });
}

/** Resolves when a count has not changed for a while. Too early is no harm: the count is then even lower. */
async function standstill(count: () => number): Promise<void> {
  let before = -1;
  while (before !== count()) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
