/**
 * One call in so many is timed. To look at the clock twice for each would be a twentieth of what the quickest take. A prime
 * number, so that it isn't always the same lane's, or the first of a batch.
 */
const callsPerTimed = 7;

/** The clock of all lanes of a load. They stop when something that was timed has ended too late. */
export class Watch {
  readonly latenciesMs: number[] = [];
  isOver = false;
  readonly #end: number;
  #untilTimed = 0;

  /** @param end on the clock of `performance.now()` */
  constructor(end: number) {
    this.#end = end;
  }

  /** Asked before each call. */
  nextIsTimed(): boolean {
    if (this.#untilTimed-- > 0) return false;
    this.#untilTimed = callsPerTimed - 1;
    return true;
  }

  /** `count` in a row have taken so long. */
  took(begun: number, ended: number, count = 1): void {
    this.latenciesMs.push((ended - begun) / count);
    if (ended >= this.#end) this.isOver = true;
  }
}
