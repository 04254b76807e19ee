import type { Logger } from "../logger.ts";
import { retryWaitMs } from "../retry-wait.ts";
import { applyChange, isSame, type Snapshot, snapshotOf } from "./cache-changes.ts";
import type { Enough, Registry, Result, Watcher } from "./registry.ts";

export interface EntryOptions {
  readonly name: string;
  readonly registry: Registry;
  readonly ttlMs: number;
  readonly watch: boolean;
  readonly logger: Logger;
  /** The snapshot was replaced. */
  onChange(services: Snapshot): void;
}

/** Longest wait after failures, in milliseconds. */
const longestRetryMs = 30_000;

/** Timers of Node can't be set for longer; those 24 days are as good as for ever here. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * What is known of one service, kept right by look-ups and by a watcher.
 *
 * Whether it is time for a look-up is told by a timer: `peek` is a part of every call, and to read the clock would be the
 * most of it. The watcher is there from the first look-up that found something, so that
 * names that nobody registered cost nothing.
 */
export class CacheEntry {
  /** Empty: nothing is known. The same object as long as nothing changed. */
  services: Snapshot = [];
  /** Somebody wanted to know since this was last set to false. */
  asked = true;
  readonly #options: EntryOptions;
  #age: "fresh" | "due" | "expired" = "expired";
  #ageing: NodeJS.Timeout | undefined;
  #failures = 0;
  #loading: Promise<Snapshot> | undefined;
  /** Of those whose search has not ended. */
  readonly #wanted = new Set<Enough>();
  /** What all the time of a search brought, to nobody's use. */
  #exhausted: Snapshot | undefined;
  /** What the watcher told since the present look-up began: its answer may be older. */
  #changesMeanwhile: Result[] = [];
  #watching = false;
  #watcher: Watcher | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EntryOptions) {
    this.#options = options;
  }

  /** What is known, if it can be relied upon. Starts a look-up when one is due, and doesn't wait for it. */
  peek(): Snapshot | undefined {
    this.asked = true;
    if (this.services.length === 0) return undefined;
    if (this.#age === "fresh") return this.services;
    this.refresh();
    // A watcher has told every change since; without one, an old answer is only good while a new one is awaited.
    return this.#age === "due" || this.#watcher !== undefined ? this.services : undefined;
  }

  /** One look-up for all who ask meanwhile. Gives the last good answer when the registry fails. */
  load(): Promise<Snapshot> {
    this.asked = true;
    return this.#loading ?? this.#begin();
  }

  /** Looks up until there is enough, or the registry has no more. */
  async search(enough: Enough): Promise<Snapshot> {
    this.#wanted.add(enough);
    try {
      // What is under way may have begun before, or end with what is enough for another one only.
      while (this.services !== this.#exhausted && !enough(this.services)) {
        await (this.#loading ?? this.#begin((found) => [...this.#wanted].some((each) => each(found))));
      }
      return this.services;
    } finally {
      this.#wanted.delete(enough);
    }
  }

  /** Looks up in the background. */
  refresh(): void {
    this.load().catch((error) => this.#options.logger.debug(`registry cache: ${error}`));
  }

  /** Worth keeping: something is known, or will be. */
  get alive(): boolean {
    return this.services.length > 0 || this.#watching || this.#loading !== undefined;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#ageing);
    void this.#watcher?.close().catch(() => {});
  }

  #begin(enough?: Enough): Promise<Snapshot> {
    this.#loading = this.#lookUp(enough).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #lookUp(enough: Enough | undefined): Promise<Snapshot> {
    const { name, registry, ttlMs, logger } = this.#options;
    this.#changesMeanwhile = [];
    try {
      let found = snapshotOf(await registry.getService(name, { enough }));
      for (const change of this.#changesMeanwhile) found = applyChange(found, change);
      this.#failures = 0;
      // Due at some moment of the last fifth, so that processes that began together don't ask together.
      const lastMs = ttlMs * 0.2 * Math.random();
      this.#isFreshFor(ttlMs - lastMs, lastMs);
      this.#replace(found);
      if (found.length > 0) this.#watch();
    } catch (error) {
      if (this.services.length === 0) throw error;
      // Nobody asks any more, and the registry was perhaps closed with good reason.
      if (this.#closed) return this.services;
      this.#failures++;
      // Nobody waits for a registry that is known to fail.
      this.#isFreshFor(retryWaitMs(this.#failures, longestRetryMs), Number.POSITIVE_INFINITY);
      logger.warn(`registry cache: ${name} can't be looked up, its last known nodes are used: ${error}`);
    }
    if (enough?.(this.services) === false) this.#exhausted = this.services;
    return this.services;
  }

  #isFreshFor(freshMs: number, dueMs: number): void {
    this.#age = "fresh";
    if (this.#closed) return;
    this.#ageIn(freshMs, () => {
      this.#age = "due";
      this.#ageIn(dueMs, () => {
        this.#age = "expired";
      });
    });
  }

  #ageIn(ms: number, age: () => void): void {
    clearTimeout(this.#ageing);
    if (ms <= longestTimerMs) this.#ageing = setTimeout(age, ms).unref();
  }

  #replace(services: Snapshot): void {
    if (this.#closed || isSame(this.services, services)) return;
    this.services = services;
    this.#options.onChange(services);
  }

  #watch(): void {
    if (this.#watching || this.#closed || !this.#options.watch) return;
    this.#watching = true;
    void this.#follow(0);
  }

  /** Watches until the entry is closed, and begins anew when the watcher ended or failed. */
  async #follow(failures: number): Promise<void> {
    const { name, registry, logger } = this.#options;
    let failed = failures;
    try {
      this.#watcher = await registry.watch({ service: name });
      if (this.#closed) return await this.#watcher.close();
      // What happened between the last look-up and now is in neither, nor in one that began before.
      void Promise.allSettled([this.#loading]).then(() => {
        if (!this.#closed) this.refresh();
      });
      for await (const change of this.#watcher) {
        failed = 0;
        if (this.#loading !== undefined) this.#changesMeanwhile.push(change);
        this.#replace(applyChange(this.services, change));
      }
    } catch (error) {
      logger.debug(`registry cache: ${name} can't be watched: ${error}`);
    }
    this.#watcher = undefined;
    if (this.#closed) return;
    this.#retry = setTimeout(
      () => void this.#follow(failed + 1),
      retryWaitMs(failed + 1, longestRetryMs),
    ).unref();
  }
}
