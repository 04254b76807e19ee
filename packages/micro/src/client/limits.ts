import { performance } from "node:perf_hooks";
import type { MicroError } from "../errors.ts";
import type { Limit } from "./limit.ts";

/** Period of the sweep, in milliseconds: how late a deadline may be noticed. */
const sweepMs = 25;

/**
 * The limits of all calls of one client, looked at together every 25 ms, so that no call needs a timer.
 *
 * The timer runs only while a deadline is pending, and then keeps the process alive: somebody waits for it.
 */
export class Limits {
  /**
   * In no order; each knows its place. No `Set`: one that is always filled and emptied makes a new table every few
   * calls, each reachable from the last, so that once one of them is old all calls that were in them outlive young collections.
   */
  readonly #open: Limit[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** Calls and streams that have not ended. */
  get size(): number {
    return this.#open.length;
  }

  add(limit: Limit): void {
    limit.place = this.#open.push(limit) - 1;
    if (this.#timer === undefined && limit.deadline !== Infinity) this.#arm();
  }

  remove(limit: Limit): void {
    limit.release();
    const { place } = limit;
    if (place === -1) return;
    limit.place = -1;
    const last = this.#open.pop() as Limit;
    if (last === limit) return;
    this.#open[place] = last;
    last.place = place;
  }

  /** Ends everything that is pending with this error. */
  endAll(error: MicroError): void {
    for (const limit of [...this.#open]) limit.end(error);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (const limit of this.#open.filter(({ deadline }) => deadline <= now)) {
        // The end of one may be the end of others.
        if (limit.place !== -1) limit.expire();
      }
      const pending = this.#open.some(({ deadline }) => deadline > now && deadline !== Infinity);
      if (pending && this.#timer === undefined) this.#arm();
    }, sweepMs);
  }
}
