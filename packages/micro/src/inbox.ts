/** What has arrived for a stream and was not read yet: a handler's `requests`, a caller's answers. */
export class Inbox<Item, Value> implements AsyncIterableIterator<Value> {
  readonly #decode: (item: Item) => Value;
  readonly #changed: () => void;
  #items: Item[] = [];
  #readers: Reader<Value>[] = [];
  #end: { error: unknown } | "done" | undefined;

  /**
   * @param decode applied when an item is read; what it throws, the reader gets
   * @param changed called after an item left the inbox, so that a sender that was stopped may go on
   */
  constructor(decode: (item: Item) => Value, changed: () => void) {
    this.#decode = decode;
    this.#changed = changed;
  }

  /** Items that wait to be read. */
  get size(): number {
    return this.#items.length;
  }

  /** After the end it does nothing. */
  push(item: Item): void {
    if (this.#end !== undefined) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#items.push(item);
    else this.#give(reader, item);
  }

  /** No more will come. What is there can still be read. */
  end(): void {
    if (this.#end !== undefined) return;
    this.#end = "done";
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  /** No more will come, and that is not as it should be: readers get the error after what is there. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  /** As `fail`, but what is there is dropped. */
  drop(error: unknown): void {
    this.#items = [];
    this.fail(error);
  }

  next(): Promise<IteratorResult<Value>> {
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#give(reader, item);
        this.#changed();
      } else if (this.#end === undefined) this.#readers.push(reader);
      else if (this.#end === "done") resolve({ done: true, value: undefined });
      else reject(this.#end.error);
    });
  }

  /** The reader has left its loop: what is there, and what comes, is dropped. */
  async return(): Promise<IteratorResult<Value>> {
    this.#items = [];
    this.end();
    this.#changed();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #give(reader: Reader<Value>, item: Item): void {
    try {
      reader.resolve({ done: false, value: this.#decode(item) });
    } catch (thrown) {
      reader.reject(thrown);
    }
  }
}

interface Reader<Value> {
  resolve(result: IteratorResult<Value>): void;
  reject(error: unknown): void;
}
