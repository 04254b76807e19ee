/** Numbers that are looked up in the array; those that collide there, which must be rare, go into a map. */
const size = 1024;

/**
 * What is pending, by a number that only grows. No `Map` alone: one that is always filled and emptied makes a new table
 * every few calls, each reachable from the last, so that once one of them is old everything that was in them outlives
 * young collections, which costs a fifth of a call.
 */
export class Ring<T> {
  /** The number in each place; 0 where there is none. */
  readonly #ids: number[] = new Array(size).fill(0);
  readonly #values: (T | undefined)[] = new Array(size).fill(undefined);
  /** Those whose place was taken by one that lasts for longer. */
  readonly #others = new Map<number, T>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(id: number): T | undefined {
    const place = id % size;
    return this.#ids[place] === id ? this.#values[place] : this.#others.get(id);
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
    this.#ids.forEach((id, place) => {
      if (id !== 0 && id >= first && id <= last) found.push(this.#values[place] as T);
    });
    for (const [id, value] of this.#others) if (id >= first && id <= last) found.push(value);
    return found;
  }

  /** `id` is new, and not 0. */
  set(id: number, value: T): void {
    this.#count++;
    const place = id % size;
    if (this.#ids[place] === 0) this.#place(place, id, value);
    else this.#others.set(id, value);
  }

  /** True when it was there. */
  delete(id: number): boolean {
    const place = id % size;
    if (id !== 0 && this.#ids[place] === id) this.#place(place, 0, undefined);
    else if (!this.#others.delete(id)) return false;
    this.#count--;
    return true;
  }

  values(): T[] {
    return this.between(1, Infinity);
  }

  #place(place: number, id: number, value: T | undefined): void {
    this.#ids[place] = id;
    this.#values[place] = value;
  }

  /** All of them, taken out. */
  clear(): T[] {
    const all = this.values();
    this.#ids.fill(0);
    this.#values.fill(undefined);
    this.#others.clear();
    this.#count = 0;
    return all;
  }
}
