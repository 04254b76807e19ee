import type { Result, Watcher, WatchOptions } from "./registry.ts";
import { newWatcherQueue } from "./watcher.ts";

/** What follows an engine's changes for one watch. */
export interface Follows {
  readonly isClosed: boolean;
  /** Resolves when no change from now on is missed. */
  start(): Promise<void>;
  /** Twice is once. `start` ends then, if it still runs. */
  close(): void;
}

/** The watches of a registry on an engine: each follows it by itself, and all end with the registry. */
export interface Watches {
  /**
   * @param follow makes what feeds the watcher; opens nothing yet
   * @throws what `start` throws, unless the watch was ended meanwhile
   */
  open(options: WatchOptions, follow: (onChange: (change: Result) => void) => Follows): Promise<Watcher>;
  /** Ends all of them. */
  end(): void;
}

export function newWatches(): Watches {
  const ends = new Set<() => void>();
  return {
    async open(options, follow) {
      if (options.signal?.aborted) return newWatcherQueue(options).watcher;
      const queue = newWatcherQueue({
        ...options,
        onEnd() {
          ends.delete(queue.end);
          follower.close();
        },
      });
      const follower = follow(queue.push);
      ends.add(queue.end);
      try {
        await follower.start();
      } catch (error) {
        // Ended meanwhile: then nobody waits for it to begin.
        if (!follower.isClosed) {
          queue.end();
          throw error;
        }
      }
      return queue.watcher;
    },
    end() {
      for (const end of ends) end();
    },
  };
}
