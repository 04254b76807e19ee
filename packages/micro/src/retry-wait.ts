/**
 * How long to wait before the next attempt at what many attempt together, such as a server that comes back and meets all
 * its clients: somewhere in 50 to 100 ms, 100 to 200 ms, 200 to 400 ms... and in the upper half of `longestMs` in the end.
 *
 * @param failures how many attempts in a row have failed: 1 after the first
 * @param longestMs in milliseconds; shorter than 100 is the first wait, too
 * @returns milliseconds
 */
export function retryWaitMs(failures: number, longestMs: number): number {
  const limit = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1));
  return limit * (0.5 + Math.random() / 2);
}

const firstMs = 100;
