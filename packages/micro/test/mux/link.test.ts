import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { Link, type LinkOptions } from "../../src/mux/link.ts";

/** A link into nothing, and the text it wrote so far. */
function openLink(options: Partial<LinkOptions> = {}): {
  link: Link;
  written(): string;
  drained(): Promise<void>;
} {
  let text = "";
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString("latin1");
      done();
    },
  });
  const link = new Link(socket, { frame() {}, drain() {}, closed() {} }, { maxBodyBytes: 1_000, ...options });
  const drained = async (): Promise<void> => {
    link.end();
    await once(socket, "finish");
  };
  return { link, written: () => text, drained };
}

test("a few frames of a turn leave together after it, many begin to leave before", async () => {
  const { link, written, drained } = openLink();
  for (let call = 0; call < 20; call++) link.send(`q${call} `, "{}");
  assert.equal(written(), "");
  for (let call = 20; call < 40; call++) link.send(`q${call} `, "{}");
  assert.match(written(), /^ts-micro-mux\/1\nq0 \{\}\n/);
  assert.doesNotMatch(written(), /q39/);
  await drained();
  assert.match(written(), /\nq39 \{\}\n$/);
});

test("frames of several callbacks of a turn leave together where the turn's end is waited for", async () => {
  for (const wholeTurn of [false, true]) {
    const { link, written, drained } = openLink({ wholeTurn });
    // So that the preface has left.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const before = written();
    const seen = await new Promise((resolve) => {
      setImmediate(() => link.send("q1 ", "{}"));
      setImmediate(() => link.send("q2 ", "{}"));
      setImmediate(() => resolve(written().slice(before.length)));
    });
    assert.equal(seen, wholeTurn ? "" : "q1 {}\nq2 {}\n");
    await drained();
    assert.equal(written().slice(before.length), "q1 {}\nq2 {}\n");
  }
});

test("frames keep their order, whether their bodies are lines, counted bytes or writes of their own", async () => {
  const { link, written, drained } = openLink();
  const expected: string[] = [];
  for (let call = 0; call < 200; call++) {
    const kind = call % 3;
    if (kind === 0) link.send(`q${call} `, "{}");
    else link.send(`q${call} `, Buffer.alloc(kind === 1 ? 3 : 20_000, 120));
    expected.push(`q${call} `);
  }
  await drained();
  assert.deepEqual(written().match(/q\d+ /g), expected);
});
