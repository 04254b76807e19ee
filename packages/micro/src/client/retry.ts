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
 * Keeps retries from multiplying the load on servers that have too much already: over time at most one
 * call in ten is repeated, after 100 that a client may repeat at once, when a node dies under load.
 *
 * A request that never left has loaded nobody; repeating it costs nothing here.
 */
export class RetryBudget {
  #tokens = burst;

  /** A call has begun. */
  earn(): void {
    if (this.#tokens < burst) this.#tokens = Math.min(burst, this.#tokens + perCall);
  }

  /** True when there is enough for one more retry, which is then taken. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
