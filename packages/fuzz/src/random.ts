/** Choices that are the same in every run with the same seed. */
export interface Random {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  /** True once in `times`. */
  once(times: number): boolean;
  /** One of them. */
  of<Item>(items: readonly [Item, ...Item[]]): Item;
  bytes(length: number): Buffer;
  /** `length` characters out of `alphabet`. */
  text(length: number, alphabet: string): string;
  /** Mostly small, now and then up to `limit`: most bugs are at 0, 1 and a few. */
  length(limit: number): number;
}

/** mulberry32: small, and good enough for choosing. */
export function newRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    once: (times) => below(times) === 0,
    of: (items) => items[below(items.length)] ?? items[0],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
    text(length, alphabet) {
      const letters = [...alphabet];
      return Array.from({ length }, () => letters[below(letters.length)]).join("");
    },
    length: (limit) => below(below(4) === 0 ? limit + 1 : Math.min(limit + 1, 8)),
  };
}
