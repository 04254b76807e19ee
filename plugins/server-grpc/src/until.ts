/**
 * A stream's requests, until they or `signal` end. They are ended by their `return`, which settles whoever waits
 * for the next.
 */
export async function* until<T>(requests: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = requests[Symbol.asyncIterator]();
  const end = (): void => void iterator.return?.();
  signal.addEventListener("abort", end);
  try {
    while (!signal.aborted) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", end);
  }
}
