import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { MicroError } from "ts-micro";
import { type AnswerFrame, encodeFrame, readFrames } from "../src/frames.ts";

/** Two ends of a TCP connection, closed after `use`. */
async function withPair(use: (near: Socket, far: Socket) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const near = connect(address.port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  near.on("error", () => {});
  far.on("error", () => {});
  try {
    await use(near, far);
  } finally {
    near.destroy();
    far.destroy();
    server.close();
  }
}

test("frames arrive whole and in order, however the bytes were cut", async () => {
  await withPair(async (near, far) => {
    const frames: AnswerFrame[] = [
      { id: 1, body: { text: "grüß dich" } },
      { id: 2 },
      { id: 3, error: { code: 404, detail: "no" } },
    ];
    const seen: AnswerFrame[] = [];
    const all = new Promise<void>((resolve) => {
      readFrames<AnswerFrame>(far, (frame) => {
        seen.push(frame);
        if (seen.length === frames.length) resolve();
      });
    });
    near.setNoDelay();
    for (const byte of Buffer.concat(frames.map(encodeFrame))) {
      near.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    assert.deepEqual(seen, frames);
  });
});

for (const [what, bytes] of [
  ["a frame that is too long", [0xff, 0xff, 0xff, 0xff]],
  ["a frame that is no JSON", [0, 0, 0, 1, 0x7b]],
  ["a frame without an id", [0, 0, 0, 2, 0x7b, 0x7d]],
] as const) {
  test(`${what} ends the connection`, async () => {
    await withPair(async (near, far) => {
      const taken: AnswerFrame[] = [];
      readFrames<AnswerFrame>(far, (frame) => taken.push(frame));
      near.write(Uint8Array.from(bytes));
      await once(near.resume(), "close");
      assert.deepEqual(taken, []);
    });
  });
}

test("a body that is too long, or has no JSON form, isn't sent", () => {
  const reason = (wanted: string) => (error: unknown) => MicroError.is(error) && error.reason === wanted;
  assert.throws(() => encodeFrame({ id: 1, body: "x".repeat(5_000_000) }), reason("too-large"));
  assert.throws(() => encodeFrame({ id: 1, body: 1n }), reason("encode-failed"));
});
