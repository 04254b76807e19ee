import { storeClosed } from "./failures.ts";

/** Keeps a store's promise that `close` waits for what is under way and refuses what comes after it. */
export interface UnderWay {
  /** @throws MicroError 503 `closed` */
  run<T>(operation: () => Promise<T>): Promise<T>;
  /** Runs `end` once nothing is under way any more. Idempotent. */
  close(end: () => Promise<void>): Promise<void>;
}

export function newUnderWay(storeName: string): UnderWay {
  const operations = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  return {
    async run(operation) {
      if (closing !== undefined) throw storeClosed(storeName);
      const running = operation();
      operations.add(running);
      try {
        return await running;
      } finally {
        operations.delete(running);
      }
    },
    close(end) {
      closing ??= Promise.allSettled(operations).then(end);
      return closing;
    },
  };
}
