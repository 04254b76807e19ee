/** Bodies come from strangers: every codec gives a value for them or a MicroError, for every kind of message. */
import assert from "node:assert/strict";
import { fuzzTest, mutated, type Random } from "@ts-micro/fuzz";
import type { Codec, Frame, FrameKind } from "../../src/codec/codec.ts";
import { defaultCodecs } from "../../src/codec/codecs.ts";
import { MicroError } from "../../src/errors.ts";

const kinds = ["request", "response", "error", "event"] as const satisfies readonly FrameKind[];
const payloadKinds = ["request", "response", "event"] as const satisfies readonly FrameKind[];
const words = [
  "{",
  "}",
  "[",
  '"',
  "null",
  "\\u0000",
  "\xff\xff\xff\xff",
  "\0\0\0\0",
  "\x0a",
  "\x11",
  "\x1a",
  "\x80",
];

for (const [contentType, codec] of Object.entries(defaultCodecs)) {
  const carriesBytes = !/json|packed/.test(contentType);

  fuzzTest(`${contentType} never throws anything but a MicroError`, { rounds: 1_000 }, (random) => {
    const frame = frameOf(random);
    const good = Buffer.from(codec.encode(value(random, carriesBytes), frame));
    const body = random.once(4) ? random.bytes(random.length(100)) : mutated(random, good, words);
    for (const kind of kinds) decode(codec, body, kind);
  });

  fuzzTest(`${contentType} gives back what it was given`, { rounds: 300 }, (random) => {
    const frame = { ...frameOf(random), kind: random.of(payloadKinds) };
    const given = value(random, carriesBytes);
    const { value: read } = codec.decode(codec.encode(given, frame), frame.kind);
    if (given instanceof Uint8Array) assert.deepEqual(Buffer.from(read as Uint8Array), Buffer.from(given));
    else assert.deepEqual(read, given);
  });
}

function decode(codec: Codec, body: Uint8Array, kind: FrameKind): void {
  try {
    codec.decode(body, kind);
  } catch (thrown) {
    assert.ok(MicroError.is(thrown), String(thrown));
    assert.deepEqual([thrown.code, thrown.reason], [400, "decode-failed"]);
  }
}

function frameOf(random: Random): Frame {
  const kind = random.of(kinds);
  const id = random.of(["7", "", "-1", "9223372036854775807", "x", "18446744073709551616"]);
  return {
    kind,
    id,
    endpoint: random.text(random.length(300), "aZ.é😀"),
    error: random.text(random.length(300), "a é\n"),
  };
}

function value(random: Random, bytes: boolean): unknown {
  if (bytes) return random.bytes(random.length(500));
  return random.of<unknown>([
    { name: random.text(random.length(50), 'aé"\\\u2028<'), list: [1, null, { deep: [] }] },
    [random.below(1_000), "x"],
    random.text(random.length(200), "a é"),
    random.below(1_000),
  ]);
}
