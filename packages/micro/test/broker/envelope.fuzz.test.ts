/** Brokers carry bytes of strangers: an envelope is a message or an error. */
import assert from "node:assert/strict";
import { fuzzTest, mutated, type Random } from "@ts-micro/fuzz";
import type { Message } from "../../src/broker/broker.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/broker/envelope.ts";

const words = ['"Header":', '"Body":"', "{", "}", "null", "=", "\\u0000", '"__proto__":{}', ","];

function message(random: Random): Message {
  const header = Object.fromEntries(
    Array.from({ length: random.length(6) }, (_, n) => [
      `X-${random.text(1 + random.length(10), "ab")}-${n}`,
      random.text(random.length(40), 'aé"\\\n<😀'),
    ]),
  );
  return { header, body: random.bytes(random.length(300)) };
}

fuzzTest("a message comes back as it was, with its topic", { rounds: 1_000 }, (random) => {
  const { header, body } = message(random);
  const read = decodeEnvelope(encodeEnvelope({ header, body }, "topic"));
  assert.deepEqual(Buffer.from(read.body), body);
  const values = Object.values(read.header).sort();
  assert.deepEqual(values, [...Object.values(header), "topic"].sort());
});

fuzzTest("random and damaged bytes are a message or an error", { rounds: 3_000 }, (random) => {
  const sound = encodeEnvelope(message(random), "topic");
  const bytes = random.once(4) ? random.bytes(random.length(100)) : mutated(random, sound, words);
  let read: Message;
  try {
    read = decodeEnvelope(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof SyntaxError || thrown instanceof TypeError, String(thrown));
    return;
  }
  for (const value of Object.values(read.header)) assert.equal(typeof value, "string");
  assert.ok(read.body.length <= bytes.length);
});
