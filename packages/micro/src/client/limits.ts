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
  readonly #open = new Set<Limit>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls and streams that have not ended. */
  get size(): number {
    return this.#open.size;
  }

  add(limit: Limit): void {
    this.#open.add(limit);
    if (this.#timer === undefined && limit.deadline !== Infinity) this.#arm();
  }

  remove(limit: Limit): void {
    limit.release();
    this.#open.delete(limit);
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
      let pending = false;
      for (const limit of this.#open) {
        if (limit.deadline <= now) limit.expire();
        else if (limit.deadline !== Infinity) pending = true;
      }
      if (pending && this.#timer === undefined) this.#arm();
    }, sweepMs);
  }
}
