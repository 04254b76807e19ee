import type { BackoffFunction, RetryFunction } from "./client.ts";

/**
 * go-micro's growth, floor(n^e) × 100 ms (`util/backoff/backoff.go`), with full jitter: somewhere in
 * 0 to 100 ms, 0 to 600 ms, 0 to 1.9 s, 0 to 4.3 s... and below 2 min from the 14th on. Without jitter the
 * callers of a node that failed would all come back at the same moment.
 */
export const defaultBackoff: BackoffFunction = (number) => {
  const longest = number > 13 ? 120_000 : Math.floor(number ** Math.E) * 100;
  return Math.random() * longest;
};

/**
 * Repeats only what does no harm: a request that can't have reached a handler, one that a server answered
 * with 503, and with `idempotent` also one whose connection broke before the answer came. An error that a
 * handler made is an answer. (go-micro repeats every 408 and 500, so handlers run twice.)
 */
export const defaultRetry: RetryFunction = ({ request, error, neverLeft }) => {
  if (neverLeft) return true;
  // A 503 with a reason was made here and says nothing about another node.
  if (error.code === 503) return error.reason === undefined;
  return request.idempotent === true && error.reason === "connection-lost";
};

const burst = 100;
const perCall = 0.1;

/**
 * Keeps retries from multiplying the load on servers that have too much already: over time at most one call in ten
 * is repeated, and together no more than are in flight (100 if these are fewer), so that a node which dies under
 * load takes none with it.
 *
 * A request that never left has loaded nobody; repeating it costs nothing here.
 */
export class RetryBudget {
  /** Retries that calls have not yet paid for. */
  #spent = 0;

  /** A call has begun. */
  earn(): void {
    if (this.#spent > 0) this.#spent = Math.max(0, this.#spent - perCall);
  }

  /**
   * True when there is enough for one more retry, which is then taken.
   * @param inFlight calls, the one to be repeated included
   */
  spend(inFlight: number): boolean {
    if (this.#spent + 1 > Math.max(burst, inFlight)) return false;
    this.#spent += 1;
    return true;
  }
}
