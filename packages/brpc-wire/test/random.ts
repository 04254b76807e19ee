/** Numbers that look random and are the same in each run (mulberry32). */
export interface Random {
  /** From 0 to `limit` - 1. */
  below(limit: number): number;
  bytes(length: number): Buffer;
  /** A copy in which some bytes were changed, left out, repeated or cut off. */
  damaged(bytes: Uint8Array): Buffer;
}

export function newRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const random: Random = {
    below: (limit) => Math.floor(next() * limit),
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => random.below(256))),
    damaged(bytes) {
      let copy = Buffer.from(bytes);
      for (let changes = 1 + random.below(4); changes > 0; changes--) {
        const at = random.below(copy.length);
        const kind = random.below(4);
        if (copy.length === 0) break;
        if (kind === 0) copy[at] = random.below(256);
        else if (kind === 1) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)]);
        else if (kind === 2) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(Math.max(0, at - 5))]);
        else copy = copy.subarray(0, at);
      }
      return copy;
    },
  };
  return random;
}
