import { serviceUnavailable } from "../errors.ts";
import type { Result, Watcher, WatchOptions } from "./registry.ts";

/**
 * Changes that wait to be read. Go drops what does not fit; a reader that lost a change without knowing it
 * would be wrong for ever, so here the watcher fails instead and the reader starts anew.
 */
const maxWaiting = 4096;

export interface WatcherOptions extends WatchOptions {
  /** Called once, when the watcher ended for whatever reason; at once, when the signal is aborted already. */
  onEnd?: (queue: WatcherQueue) => void;
}

/** The reading end of a watch, and the functions by which a registry feeds it. */
export interface WatcherQueue {
  readonly watcher: Watcher;
  /** Hands a change over, unless it is about another service than the one watched. */
  push(result: Result): void;
  /** The registry lost track: what waits is still read, then the iteration throws `error`. */
  fail(error: Error): void;
  /** Ends the iteration; what waits is dropped. */
  end(): void;
}

/** For registries: makes the watcher to give out, with a queue behind it. */
export function newWatcherQueue(options: WatcherOptions = {}): WatcherQueue {
  const { service, signal, onEnd } = options;
  const waiting: Result[] = [];
  const readers: { resolve(next: IteratorResult<Result>): void; reject(error: Error): void }[] = [];
  let failure: Error | undefined;
  let open = true;

  function stop(): void {
    if (!open) return;
    open = false;
    signal?.removeEventListener("abort", end);
    onEnd?.(queue);
  }

  function end(): void {
    waiting.length = 0;
    failure = undefined;
    stop();
    for (const reader of readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  function fail(error: Error): void {
    if (!open) return;
    stop();
    const [first, ...others] = readers.splice(0);
    if (first === undefined) failure = error;
    else first.reject(error);
    for (const reader of others) reader.resolve({ done: true, value: undefined });
  }

  function push(result: Result): void {
    if (!open || (service !== undefined && service !== result.service.name)) return;
    const reader = readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: result });
    else if (waiting.push(result) > maxWaiting) {
      fail(
        serviceUnavailable("go.micro.registry", `a watcher did not read ${maxWaiting} changes; watch again`),
      );
    }
  }

  async function next(): Promise<IteratorResult<Result>> {
    const result = waiting.shift();
    if (result !== undefined) return { done: false, value: result };
    if (failure !== undefined) {
      const error = failure;
      failure = undefined;
      throw error;
    }
    if (!open) return { done: true, value: undefined };
    return new Promise((resolve, reject) => readers.push({ resolve, reject }));
  }

  const close = async (): Promise<void> => end();
  const watcher: Watcher = {
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        end();
        return { done: true, value: undefined };
      },
    }),
    close,
    [Symbol.asyncDispose]: close,
  };

  const queue: WatcherQueue = { watcher, push, fail, end };
  if (signal?.aborted) end();
  else signal?.addEventListener("abort", end, { once: true });
  return queue;
}
