/**
 * Who uses a part that was made in code. Two services may be given the same one, and the first to stop must
 * not close it under the other.
 */

const holders = new WeakMap<object, number>();

export function hold(part: object): void {
  holders.set(part, (holders.get(part) ?? 0) + 1);
}

/** True when nobody holds the part any more. */
export function release(part: object): boolean {
  const left = (holders.get(part) ?? 1) - 1;
  holders.set(part, left);
  return left <= 0;
}
