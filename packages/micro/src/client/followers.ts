interface Abortable {
  abort(reason: unknown): void;
}

/**
 * The limits that one signal ends. However many calls are made with a signal, it has one listener: Node warns of
 * more than ten, and a handler may well make more nested calls at once.
 */
export class Followers {
  readonly #signal: AbortSignal;
  readonly #limits = new Set<Abortable>();
  readonly #abort = (): void => {
    for (const limit of [...this.#limits]) limit.abort(this.#signal.reason);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(limit: Abortable): void {
    if (this.#limits.size === 0) this.#signal.addEventListener("abort", this.#abort, { once: true });
    this.#limits.add(limit);
  }

  remove(limit: Abortable): void {
    this.#limits.delete(limit);
    if (this.#limits.size === 0) this.#signal.removeEventListener("abort", this.#abort);
  }
}

const followersOf = new WeakMap<AbortSignal, Followers>();

/** From now until `remove`, the signal ends the limit. */
export function follow(signal: AbortSignal, limit: Abortable): Followers {
  const followers = followersOf.get(signal) ?? new Followers(signal);
  followersOf.set(signal, followers);
  followers.add(limit);
  return followers;
}
