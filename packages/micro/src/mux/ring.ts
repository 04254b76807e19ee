/** Numbers that are looked up in the array; those that collide there, which must be rare, go into a map. */
const size = 1024;

interface Slot<T> {
  readonly id: number;
  readonly value: T;
}

/**
 * What is pending, by a number that only grows. No `Map` alone: one that is always filled and emptied makes a new table
 * every few calls, each reachable from the last, so that once one of them is old everything that was in them outlives
 * young collections, which costs a fifth of a call.
 */
export class Ring<T> {
  readonly #slots: (Slot<T> | undefined)[] = new Array(size).fill(undefined);
  /** Those whose place was taken by one that lasts for longer. */
  readonly #others = new Map<number, T>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(id: number): T | undefined {
    const slot = this.#slots[id % size];
    return slot?.id === id ? slot.value : this.#others.get(id);
  }

  /** Those with numbers from `first` to `last`, which are whatever a peer says: it costs no more than what is pending. */
  between(first: number, last: number): T[] {
    const found: T[] = [];
    if (last - first < size) {
      for (let id = first; id <= last; id++) {
        const value = this.get(id);
        if (value !== undefined) found.push(value);
      }
      return found;
    }
    for (const slot of this.#slots) {
      if (slot !== undefined && slot.id >= first && slot.id <= last) found.push(slot.value);
    }
    for (const [id, value] of this.#others) if (id >= first && id <= last) found.push(value);
    return found;
  }

  /** `id` is new. */
  set(id: number, value: T): void {
    this.#count++;
    const place = id % size;
    if (this.#slots[place] === undefined) this.#slots[place] = { id, value };
    else this.#others.set(id, value);
  }

  /** True when it was there. */
  delete(id: number): boolean {
    const place = id % size;
    if (this.#slots[place]?.id === id) this.#slots[place] = undefined;
    else if (!this.#others.delete(id)) return false;
    this.#count--;
    return true;
  }

  values(): T[] {
    const all = this.#slots.flatMap((slot) => (slot === undefined ? [] : [slot.value]));
    all.push(...this.#others.values());
    return all;
  }

  /** All of them, taken out. */
  clear(): T[] {
    const all = this.values();
    this.#slots.fill(undefined);
    this.#others.clear();
    this.#count = 0;
    return all;
  }
}
