import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzTest, pieces } from "@ts-micro/fuzz";
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

fuzzTest("messages are the same however the network cuts them", { rounds: 300 }, (random) => {
  const sent = Array.from({ length: random.length(8) }, () => ({
    payload: random.bytes(random.length(200)),
    compressed: random.once(2),
  }));
  const bytes = Buffer.concat(sent.map(({ payload, compressed }) => encodeFrame(payload, compressed)));
  const { reader, messages } = newReader(200);
  for (const piece of pieces(random, bytes)) reader.push(piece);
  assert.deepEqual(
    messages,
    sent.map(({ payload, compressed }) => [payload.toString("hex"), compressed]),
  );
  assert.equal(reader.incomplete, false);
});

fuzzTest("any bytes are messages or an error with a status", { rounds: 300 }, (random) => {
  const { reader, messages } = newReader(100);
  try {
    for (const piece of pieces(random, random.bytes(random.length(400)))) reader.push(piece);
  } catch (thrown) {
    assert.match(String((thrown as { grpc?: { code: number } }).grpc?.code), /^(8|13)$/);
  }
  for (const [payload] of messages) assert.ok(payload.length <= 200);
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
