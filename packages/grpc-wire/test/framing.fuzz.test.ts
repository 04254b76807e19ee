import assert from "node:assert/strict";
import { fuzzTest, pieces } from "@ts-micro/fuzz";
import { encodeFrame, MessageReader } from "../src/index.ts";

function newReader(maxBytes: number): { reader: MessageReader; messages: [string, boolean][] } {
  const messages: [string, boolean][] = [];
  const reader = new MessageReader(maxBytes, (payload, compressed) =>
    messages.push([payload.toString("hex"), compressed]),
  );
  return { reader, messages };
}

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
