import type { Random } from "./random.ts";

/** The bytes in pieces of any length, as a network might deliver them. */
export function pieces(random: Random, bytes: Buffer): Buffer[] {
  const cuts: number[] = [];
  for (let at = random.length(64); at < bytes.length; at += 1 + random.length(64)) cuts.push(at);
  return cutInto(bytes, cuts);
}

/** Whole, byte by byte, and in two at each place; of long ones not every place. */
export function* splits(
  random: Random,
  bytes: Buffer,
  places = Number.POSITIVE_INFINITY,
): Generator<Buffer[]> {
  yield [bytes];
  yield cutInto(bytes, [...bytes.keys()].slice(1));
  const step = Math.max(1, Math.ceil(bytes.length / places));
  for (let at = 1 + random.below(step); at < bytes.length; at += step) yield cutInto(bytes, [at]);
}

export function cutInto(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  return [0, ...cuts].map((from, n) => bytes.subarray(from, cuts[n]));
}
