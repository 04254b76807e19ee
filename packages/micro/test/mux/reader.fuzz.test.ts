import assert from "node:assert/strict";
import { fuzzTest, mutated, pieces, type Random, splits } from "@ts-micro/fuzz";
import { BadFrame } from "../../src/mux/line.ts";
import { FrameReader } from "../../src/mux/reader.ts";

interface Read {
  frames: { letter: number; fields: string; bytes: string | undefined; oversize: number }[];
  refused: boolean;
}

function read(cut: readonly Buffer[], maxBodyBytes: number): Read {
  const frames: Read["frames"] = [];
  const reader = new FrameReader((letter, line) => {
    const { bytes, oversize } = line;
    frames.push({ letter, fields: line.rest(), bytes: bytes?.toString("latin1"), oversize });
  }, maxBodyBytes);
  try {
    for (const piece of cut) reader.push(piece);
    return { frames, refused: false };
  } catch (thrown) {
    assert.ok(thrown instanceof BadFrame, String(thrown));
    return { frames, refused: true };
  }
}

/** A frame as our two sides write them. */
function frame(random: Random): Buffer {
  const id = random.below(300);
  switch (random.below(5)) {
    case 0:
      return Buffer.from(
        `q${id} 0 5000 - ${JSON.stringify({ name: random.text(random.length(40), 'aZ0 *5"\\\n') })}\n`,
      );
    case 1: {
      const body = random.bytes(random.length(300));
      return Buffer.concat([Buffer.from(`i${id} *${body.length}\n`), body]);
    }
    case 2:
      return Buffer.from(`a${id} ${random.of(["5", '" *5"', "[1, *2]", "", "null"])}\n`);
    case 3:
      return Buffer.from(`w${id} ${random.below(1 << 20)}\n`);
    default:
      return Buffer.from(random.of(["g\n", "p\n", "o\n", "k\n", "z7\n", "\n", "x1\n"]));
  }
}

function stream(random: Random): Buffer {
  const frames = Array.from({ length: 1 + random.length(8) }, () => frame(random));
  const bytes = Buffer.concat(frames);
  return random.once(2)
    ? bytes
    : mutated(random, bytes, [" *5\n", "*", "\n", " *99999999999999999999\n", " *0\n"]);
}

fuzzTest("frames are read the same however they are cut", { rounds: 400 }, (random) => {
  const bytes = stream(random);
  const maxBodyBytes = random.of([65_536, 100, random.below(300)]);
  const whole = read([bytes], maxBodyBytes);
  for (const cut of [pieces(random, bytes), ...splits(random, bytes, 50)]) {
    assert.deepEqual(read(cut, maxBodyBytes), whole, JSON.stringify(bytes.toString("latin1")));
  }
});

fuzzTest(
  "random bytes are frames or refused, and no body is longer than allowed",
  { rounds: 1_000 },
  (random) => {
    const bytes = Buffer.concat([stream(random), random.bytes(random.length(300)), stream(random)]);
    const { frames } = read(pieces(random, bytes), 100);
    for (const { bytes: body } of frames) assert.ok((body?.length ?? 0) <= 100);
  },
);
