/** Collects what arrives, and waits for it without sleeping. */
export interface Inbox<Item> {
  readonly items: readonly Item[];
  add(item: Item): void;
  /** Resolves with the items when there are `count` or more. Rejects after `timeoutMs`. */
  until(count: number): Promise<readonly Item[]>;
}

export function newInbox<Item>(timeoutMs = 10_000): Inbox<Item> {
  const items: Item[] = [];
  const waiting = new Set<() => void>();
  return {
    items,
    add(item) {
      items.push(item);
      for (const check of [...waiting]) check();
    },
    until(count) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`waited ${timeoutMs} ms for ${count} items, got ${items.length}`));
        }, timeoutMs);
        const check = (): void => {
          if (items.length < count) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(items);
        };
        waiting.add(check);
        check();
      });
    },
  };
}

/** A promise that is opened from outside: what a handler waits at until the test lets it go on. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function newGate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
