import { MicroError } from "../errors.ts";
import { newRegistryCache, type Snapshot } from "../registry/cache.ts";
import { newMdnsRegistry } from "../registry/mdns.ts";
import type { Registry } from "../registry/registry.ts";
import { Avoidance, type AvoidanceOptions } from "./avoidance.ts";
import { choose, selectionFailed } from "./chooser.ts";
import { nodesOf } from "./narrow.ts";
import type { Next, SelectOptions, Selector, SelectorOptions } from "./selector.ts";

export interface RegistrySelectorOptions extends SelectorOptions, AvoidanceOptions {
  /** How long a look-up counts, in milliseconds. @default 60_000, as go-micro */
  ttlMs?: number;
}

/** The default selector: nodes come from the registry, through a cache that the registry keeps right. */
export function newSelector(options: RegistrySelectorOptions = {}): Selector {
  let fallback: Registry | undefined;
  const registry = (): Registry => {
    if (options.parts?.registry !== undefined) return options.parts.registry;
    fallback ??= newMdnsRegistry(options.logger === undefined ? {} : { logger: options.logger });
    return fallback;
  };
  const selector = newCachedSelector("registry", { ...options, registry });
  const close = async (): Promise<void> => {
    await selector.close();
    await fallback?.close();
  };
  return { ...selector, close, [Symbol.asyncDispose]: close };
}

export interface CachedSelectorOptions extends RegistrySelectorOptions {
  /** Where the nodes come from, asked for each time. */
  registry: () => Registry;
  /** Let the registry tell what changes. @default true */
  watch?: boolean;
}

/** A selector whose nodes come from anything that can be asked as a registry is. */
export function newCachedSelector(name: string, options: CachedSelectorOptions): Selector {
  const cache = newRegistryCache(options);
  // A part of every call; the cache itself has a getter, and V8 looks the members of such a literal up in a table.
  const { peek } = cache;
  const avoidance = new Avoidance(options);
  const { strategy } = options;
  cache.observe((service, services) => avoidance.keep(service, nodesOf(services)));

  const chooseFrom = (service: string, services: Snapshot, selectOptions: SelectOptions): Next =>
    choose(service, services, selectOptions, avoidance, strategy);

  async function selectLater(service: string, selectOptions: SelectOptions): Promise<Next> {
    const { timeoutMs } = selectOptions;
    const startedAt = performance.now();
    const services = await cache.lookUp(service, selectOptions).catch((error) => {
      throw selectionFailed(service, error);
    });
    try {
      return chooseFrom(service, services, selectOptions);
    } catch (failure) {
      // The registry took all of its time for this answer already.
      if (services.length === 0) throw failure;
      const passedMs = performance.now() - startedAt;
      const left = {
        ...selectOptions,
        timeoutMs: timeoutMs === undefined ? undefined : timeoutMs - passedMs,
      };
      return search(service, left, failure);
    }
  }

  /** Nodes are known, and none can be chosen. On a busy network or machine, others may not have been heard yet. */
  async function search(service: string, selectOptions: SelectOptions, failure: unknown): Promise<Next> {
    const { timeoutMs, signal } = selectOptions;
    const enough = (services: Snapshot): boolean => {
      try {
        chooseFrom(service, services, selectOptions);
        return true;
      } catch {
        return false;
      }
    };
    // The caller shall hear of what was found, not that its time was up.
    const searchMs = timeoutMs === undefined ? undefined : timeoutMs / 2;
    const services = await cache.search(service, { enough, signal, timeoutMs: searchMs }).catch((error) => {
      throw MicroError.from(error).reason === "cancelled" ? error : failure;
    });
    return chooseFrom(service, services, selectOptions);
  }

  async function close(): Promise<void> {
    avoidance.clear();
    await cache.close();
  }

  return {
    name,
    select(service, selectOptions = {}) {
      const services = peek(service);
      if (services === undefined) return selectLater(service, selectOptions);
      try {
        return chooseFrom(service, services, selectOptions);
      } catch (failure) {
        return search(service, selectOptions, failure);
      }
    },
    mark(service, node, error) {
      // Perhaps the node is gone and nobody said so: a process that was killed says nothing.
      if (avoidance.mark(service, node, error)) cache.refresh(service);
    },
    reset: (service) => avoidance.reset(service),
    observe: (listener) => cache.observe((service, services) => listener(service, nodesOf(services))),
    close,
    [Symbol.asyncDispose]: close,
  };
}
