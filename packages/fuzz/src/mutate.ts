import type { Random } from "./random.ts";

/**
 * A damaged copy of `bytes`: some exchanged, inserted, left out, doubled or moved, or the end cut off.
 * @param words pieces that mean something to the parser, to be put in now and then
 */
export function mutated(random: Random, bytes: Buffer, words: readonly string[] = []): Buffer {
  let damaged = Buffer.from(bytes);
  for (let changes = 1 + random.length(8); changes > 0; changes--) damaged = changed(random, damaged, words);
  return damaged;
}

function changed(random: Random, bytes: Buffer, words: readonly string[]): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + random.length(32));
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (random.below(8)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, piece, piece, after]);
    case 2:
      return Buffer.from(before);
    case 3:
      return Buffer.concat([piece, before, after]);
    case 4:
      return Buffer.concat([before, random.bytes(piece.length), after]);
    case 5: {
      // One bit: `0` becomes `p`, CR becomes TAB or `M`.
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 6:
      return Buffer.concat([before, random.bytes(1), piece, after]);
    default: {
      const word = words.length === 0 ? "" : (words[random.below(words.length)] ?? "");
      return Buffer.concat([before, Buffer.from(word, "latin1"), piece, after]);
    }
  }
}
