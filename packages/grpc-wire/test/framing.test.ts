import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, MessageReader } from "../src/index.ts";

function newReader(maxBytes: number): { reader: MessageReader; messages: [string, boolean][] } {
  const messages: [string, boolean][] = [];
  const reader = new MessageReader(maxBytes, (payload, compressed) =>
    messages.push([payload.toString("hex"), compressed]),
  );
  return { reader, messages };
}

test("a frame is a flag, a length and the message", () => {
  assert.equal(
    encodeFrame(Buffer.from("0a044a6f686e", "hex"), false).toString("hex"),
    "00000000060a044a6f686e",
  );
  assert.equal(encodeFrame(Buffer.alloc(0), true).toString("hex"), "0100000000");
});

test("a message beyond the limit is refused by its length alone, with go-micro's words", () => {
  const { reader, messages } = newReader(4 * 1024 * 1024);
  reader.push(Buffer.from([0, 0, 0x40, 0]));
  assert.throws(() => reader.push(Buffer.from([1])), {
    grpc: { code: 8, message: "grpc: received message larger than max (4194305 vs. 4194304)" },
  });
  assert.deepEqual(messages, []);
});

test("a message of exactly the limit is taken; one that ends early is seen", () => {
  const { reader, messages } = newReader(3);
  reader.push(encodeFrame(Buffer.from([1, 2, 3]), false));
  assert.deepEqual(messages, [["010203", false]]);
  reader.push(Buffer.from([0, 0]));
  assert.equal(reader.incomplete, true);
});
