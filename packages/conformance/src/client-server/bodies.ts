import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { newGate } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";

export function bodyTests(bench: ClientServerBench): void {
  bench.test("values come back as they were sent", async ({ serve, call }) => {
    await serve({ Echo: (request: unknown) => request });
    const values = [
      { a: 1, nested: { list: [1, "two", null, true] } },
      { text: 'quotes " and \\, line\nfeeds, ümlauts, 日本語, \u{1f600}, <b>&\u2028' },
      ["a", "list"],
      "a text",
      12.5,
      -0.001,
      0,
      false,
      "",
      [],
      {},
    ];
    for (const value of values) assert.deepEqual(await call("Echo", value), value);
  });

  for (const [contentType, body] of Object.entries(bench.contentTypes)) {
    bench.test(`values come back as they were sent, as ${contentType}`, async ({ serve, call }) => {
      await serve({ Echo: (request: unknown) => request });
      for (let n = 0; n < 2; n++) assert.deepEqual(await call("Echo", body, { contentType }), body);
    });
  }

  bench.test("bodies of all sizes up to 1 MiB", async ({ serve, call }) => {
    await serve({ Echo: (request: unknown) => request });
    const around = [1 << 12, 1 << 14, 1 << 16].flatMap((size) => [size - 16, size - 1, size, size + 1]);
    for (const size of [0, 1, ...around, 1 << 20]) {
      const text = randomBytes(size).toString("latin1");
      assert.equal(await call("Echo", text), text, `${size} characters`);
    }
  });

  bench.test("64 calls in flight get their own answers, in whatever order they are given", async (world) => {
    const total = 64;
    const gates = Array.from({ length: total }, newGate);
    const all = newGate();
    let arrived = 0;
    await world.serve({
      Echo: async (request: { n: number }) => {
        if (++arrived === total) all.open();
        await gates[request.n]?.passed;
        return { n: request.n };
      },
    });
    const calls = gates.map((_, n) => world.call("Echo", { n }));
    await all.passed;
    for (const gate of [...gates].reverse()) {
      gate.open();
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      await Promise.all(calls),
      gates.map((_, n) => ({ n })),
    );
  });

  bench.test("a thousand calls, a few at a time", async ({ serve, call }) => {
    await serve({ Double: (request: { n: number }) => ({ n: 2 * request.n }) });
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < 1_000) {
        const n = next++;
        assert.deepEqual(await call("Double", { n }), { n: 2 * n });
      }
    };
    await Promise.all(Array.from({ length: 8 }, caller));
  });
}
