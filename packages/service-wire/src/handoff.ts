/** Passes items from one side to the other, each of which is given until the other side comes back for more. */
export interface Handoff<Item> {
  /** Resolves when the item was taken and is done with. Rejects with `reason` when the other side has left. */
  give(item: Item): Promise<void>;
  /** One after the other, in the order of giving; ends after `end`, or when the signal aborts. */
  items(signal: AbortSignal): AsyncGenerator<Item, void>;
  /** Nothing more is given. */
  end(): void;
  /** What was not taken is given back. Idempotent. */
  leave(reason: Error): void;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** Holds nothing by itself: whoever gives is kept waiting, and so bounds how much there is. */
export function newHandoff<Item>(): Handoff<Item> {
  const waiting: Waiting<Item>[] = [];
  let wake = (): void => {};
  let left: Error | undefined;
  let isOver = false;

  return {
    give(item) {
      if (left !== undefined) return Promise.reject(left);
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        wake();
      });
    },

    async *items(signal) {
      const onAbort = (): void => wake();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        while (!signal.aborted) {
          const [first] = waiting;
          if (first === undefined) {
            if (isOver) return;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            continue;
          }
          yield first.item;
          waiting.shift();
          first.resolve();
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },

    end() {
      isOver = true;
      wake();
    },

    leave(reason) {
      left ??= reason;
      for (const { reject } of waiting.splice(0)) reject(left);
    },
  };
}
