/**
 * Remembers what a registry said, so that a call costs no look-up (`registry/cache/cache.go`).
 *
 * - A service that was found is known for `ttlMs`. Before that it is looked up again in the background, by each
 *   process at another moment, and a watcher keeps it right in between.
 * - What many ask for at once is looked up once.
 * - A registry that fails takes nothing away: what it said last counts until it answers again.
 * - What was not found is not remembered. (go-micro v6 hides a service that has just started for 5 s.)
 */
import { MicroError, timeout } from "../errors.ts";
import { type Logger, newLogger } from "../logger.ts";
import type { Snapshot } from "./cache-changes.ts";
import { CacheEntry } from "./cache-entry.ts";
import type { Enough, ReadOptions, Registry, Service } from "./registry.ts";

export type { Snapshot };

export interface RegistryCacheOptions {
  /** Asked for each time. When it is another one than before, nothing is known any more. */
  registry: () => Registry;
  /** How long a look-up counts, in milliseconds. @default 60_000, as go-micro */
  ttlMs?: number;
  /** Let the registry tell what changes. @default true */
  watch?: boolean;
  /** @default a logger on stderr at the level of `MICRO_LOG_LEVEL` */
  logger?: Logger;
}

/** A registry that answers `getService` from memory where it can. Everything else it passes on. */
export interface RegistryCache extends Registry {
  /**
   * What is known of a service, without waiting. The very same object as long as nothing changed, so that who
   * works with it needs to do so once per change. `undefined` when the registry has to be asked.
   */
  peek(service: string): Snapshot | undefined;
  /**
   * As `getService`, without a copy for the caller: what `peek` gives from then on, or an empty list.
   * @throws MicroError of the registry, when it fails and nothing is known; 408 `timeout`; 499 `cancelled`.
   */
  lookUp(service: string, options?: ReadOptions): Promise<Snapshot>;
  /**
   * As `lookUp`, for who knows what is known and can't use it: asks the registry for more, as its `ReadOptions` say. What
   * all of that time brought nothing is given at once, until something changes.
   */
  search(service: string, options: ReadOptions & { enough: Enough }): Promise<Snapshot>;
  /** Looks a known service up in the background, because there is reason to doubt what is known. */
  refresh(service: string): void;
  /** Calls `listener` after what is known of a service changed. The result ends it. */
  observe(listener: SnapshotListener): () => void;
  /** Ends the watchers. The registry behind it stays as it is. */
  close(): Promise<void>;
}

export type SnapshotListener = (service: string, services: Snapshot) => void;

/** A service that nobody asked for during this time is forgotten, in milliseconds, before twice of it has passed. */
const idleMs = 10 * 60_000;

export function newRegistryCache(options: RegistryCacheOptions): RegistryCache {
  const ttlMs = options.ttlMs ?? 60_000;
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const entries = new Map<string, CacheEntry>();
  const listeners = new Set<SnapshotListener>();
  let registry: Registry | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  /** The entries of the registry that is in use now. */
  function current(): Map<string, CacheEntry> {
    const present = options.registry();
    if (present !== registry) {
      forgetAll();
      registry = present;
    }
    return entries;
  }

  function entry(name: string): CacheEntry {
    const known = current().get(name);
    if (known !== undefined) return known;
    const onChange = (services: Snapshot): void => {
      for (const listener of listeners) listener(name, services);
    };
    const watch = options.watch ?? true;
    const made = new CacheEntry({ name, registry: options.registry(), ttlMs, watch, logger, onChange });
    entries.set(name, made);
    sweeper ??= setInterval(sweep, idleMs).unref();
    return made;
  }

  async function lookUp(name: string, read: ReadOptions = {}): Promise<Snapshot> {
    const asked = entry(name);
    return asked.peek() ?? answer(asked, asked.load(), name, read);
  }

  function search(name: string, read: ReadOptions & { enough: Enough }): Promise<Snapshot> {
    const asked = entry(name);
    return answer(asked, asked.search(read.enough), name, read);
  }

  async function answer(asked: CacheEntry, found: Promise<Snapshot>, name: string, read: ReadOptions) {
    try {
      return await limited(found, name, read);
    } finally {
      // What was not found is not remembered, lest names that nobody has fill the memory.
      if (!asked.alive) forget(name, asked);
    }
  }

  function forget(name: string, wanted = entries.get(name)): void {
    if (wanted === undefined) return;
    wanted.close();
    if (entries.get(name) === wanted) entries.delete(name);
    if (entries.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  }

  function forgetAll(): void {
    for (const name of [...entries.keys()]) forget(name);
  }

  function sweep(): void {
    for (const [name, entry] of [...entries]) {
      if (!entry.asked) forget(name);
      entry.asked = false;
    }
  }

  async function close(): Promise<void> {
    forgetAll();
  }

  return {
    get name() {
      return options.registry().name;
    },
    async register(service, registerOptions) {
      await options.registry().register(service, registerOptions);
      forget(service.name);
    },
    async deregister(service) {
      await options.registry().deregister(service);
      forget(service.name);
    },
    async getService(name, read) {
      return structuredClone(await lookUp(name, read)) as Service[];
    },
    listServices: (read) => options.registry().listServices(read),
    watch: (watchOptions) => options.registry().watch(watchOptions),
    peek: (name) => current().get(name)?.peek(),
    lookUp,
    search,
    refresh: (name) => current().get(name)?.refresh(),
    observe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The look-up is shared, its limits are each caller's own. */
function limited(
  found: Promise<Snapshot>,
  name: string,
  { timeoutMs, signal }: ReadOptions,
): Promise<Snapshot> {
  if (timeoutMs === undefined && signal === undefined) return found;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const detail = `the look-up of ${name} was cancelled`;
      fail(
        new MicroError({
          id: "go.micro.registry",
          code: 499,
          detail,
          reason: "cancelled",
          cause: signal?.reason,
        }),
      );
    };
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const detail = `the registry said nothing about ${name} within ${Math.ceil(timeoutMs)} ms`;
            fail(timeout("go.micro.registry", detail, { reason: "timeout" }));
          }, timeoutMs);
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    found.then((services) => {
      end();
      resolve(services);
    }, fail);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
