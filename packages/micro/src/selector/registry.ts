import { newRegistryCache } from "../registry/cache.ts";
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
  const avoidance = new Avoidance(options);
  const { strategy } = options;
  cache.observe((service, services) => avoidance.keep(service, nodesOf(services)));

  async function selectLater(service: string, selectOptions: SelectOptions): Promise<Next> {
    const services = await cache.lookUp(service, selectOptions).catch((error) => {
      throw selectionFailed(service, error);
    });
    return choose(service, services, selectOptions, avoidance, strategy);
  }

  async function close(): Promise<void> {
    avoidance.clear();
    await cache.close();
  }

  return {
    name,
    select(service, selectOptions = {}) {
      const services = cache.peek(service);
      if (services === undefined) return selectLater(service, selectOptions);
      return choose(service, services, selectOptions, avoidance, strategy);
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
