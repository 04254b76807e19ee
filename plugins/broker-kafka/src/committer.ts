import { setTimeout as pause } from "node:timers/promises";
import type { Consumer } from "kafkajs";
import type { Logger } from "ts-micro";
import { causeOf } from "./failures.ts";
import type { Progress } from "./progress.ts";

export interface CommitterSetup {
  /** Whoever is the group's member now. */
  consumer: () => Consumer;
  topic: string;
  /** By partition: those that are ours now. */
  progress: ReadonlyMap<number, Progress>;
  timeoutMs: number;
  logger: Logger;
}

/** Tells the group how far its messages are handled: one request at a time, with all that happened meanwhile. */
export interface Committer {
  soon(): void;
  /** At once, because the group is about to be divided anew. */
  flush(): void;
  /** Tries for `timeoutMs`. Never rejects: what the group isn't told comes again. */
  end(): Promise<void>;
}

export function newCommitter(setup: CommitterSetup): Committer {
  const { consumer, topic, progress, timeoutMs, logger } = setup;
  /** What the group was told last. */
  const told = new WeakMap<Progress, string>();
  let wanted = false;
  let running: Promise<void> | undefined;
  let ending = false;

  return {
    soon() {
      wanted = true;
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    flush: () => void commit().catch(() => {}),
    async end() {
      ending = true;
      await running;
      const stopAt = performance.now() + timeoutMs;
      for (;;) {
        try {
          await commit();
          return;
        } catch (thrown) {
          if (performance.now() > stopAt) {
            logger.warn(
              `kafka could not commit what was handled; some messages will be delivered again: ${causeOf(thrown)}`,
            );
            return;
          }
          await pause(retryMs);
        }
      }
    },
  };

  async function run(): Promise<void> {
    // What the handlers of one turn finish is told together.
    await new Promise(setImmediate);
    while (wanted && !ending) {
      wanted = false;
      try {
        await commit();
      } catch (thrown) {
        logger.debug(`committing failed and will be tried again: ${causeOf(thrown)}`);
        wanted = true;
        await pause(retryMs);
      }
    }
  }

  async function commit(): Promise<void> {
    const news = [...progress]
      .map(([partition, own]) => ({ partition, own, offset: String(own.next), metadata: own.note }))
      .filter(({ own, offset, metadata }) => told.get(own) !== `${offset} ${metadata}`);
    if (news.length === 0) return;
    await consumer().commitOffsets(
      news.map(({ partition, offset, metadata }) => ({ topic, partition, offset, metadata })),
    );
    for (const { own, offset, metadata } of news) told.set(own, `${offset} ${metadata}`);
  }
}

const retryMs = 200;
