import type { Logger } from "../logger.ts";
import { newRegistryCache, type RegistryCache, type Snapshot } from "../registry/cache.ts";
import type { Registry } from "../registry/registry.ts";

/** One service in the registry holds the subscriptions of all topics. */
export const serviceName = "micro.http.broker";

/** Knows the subscribers of all topics, without asking the registry for each message. */
export interface Subscribers {
  /** What is known of them without asking anybody. The very same object as long as nothing changed. */
  peek(): Snapshot | undefined;
  /** @param options.fresh what is known has led nowhere: ask the registry itself */
  lookUp(options: { fresh: boolean; signal: AbortSignal | undefined }): Promise<Snapshot>;
  /** What is known is wrong now. */
  forget(): Promise<void>;
}

/**
 * An empty answer that was slower than this, in milliseconds, counts for `nobodyMs`. mDNS needs a second
 * to find out that there is nobody, and a publish to nobody should not take that long each time.
 */
const slowMs = 100;
const nobodyMs = 5_000;

export function newSubscribers(registry: () => Registry, logger: Logger): Subscribers {
  let cache: RegistryCache | undefined;
  let nobodyUntil = 0;

  return {
    peek: () => cache?.peek(serviceName),

    async lookUp({ fresh, signal }) {
      const options = signal === undefined ? {} : { signal };
      cache ??= newRegistryCache({ registry, logger });
      if (fresh) {
        cache.refresh(serviceName);
        return registry().getService(serviceName, options);
      }
      const known = cache.peek(serviceName);
      if (known !== undefined) return known;
      const asked = performance.now();
      if (asked < nobodyUntil) return [];
      const found = await cache.lookUp(serviceName, options);
      const answered = performance.now();
      if (found.length === 0 && answered - asked > slowMs) nobodyUntil = answered + nobodyMs;
      return found;
    },

    async forget() {
      nobodyUntil = 0;
      const old = cache;
      cache = undefined;
      await old?.close();
    },
  };
}
