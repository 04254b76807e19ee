import { setTimeout as pause } from "node:timers/promises";
import { type Logger, MicroError, retryWaitMs } from "ts-micro";
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** What lives on a channel: a publisher, a consumer. */
export interface Living {
  /** Resolves with the reason when it is gone. */
  readonly ended: Promise<string>;
}

export interface Kept<Thing extends Living> {
  /** `undefined` while it is gone and not made again yet. */
  readonly present: Thing | undefined;
  /** It is not made again from now on; what is present stays. Twice is once. */
  release(): Promise<void>;
}

export interface KeepSetup<Thing extends Living> {
  connection: Connection;
  /** How logs call it. */
  what: string;
  maxWaitMs: number;
  logger: Logger;
  make(session: Session): Promise<Thing>;
  /** Asked before it is made again. */
  ready?: () => Promise<void>;
}

/**
 * Makes something, and makes it again on the same or on the next connection whenever it is gone.
 *
 * @throws what the first `make` throws
 */
export async function keep<Thing extends Living>(setup: KeepSetup<Thing>): Promise<Kept<Thing>> {
  const { connection, what, maxWaitMs, logger, make, ready } = setup;
  const releasing = new AbortController();
  const { signal } = releasing;
  const released = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  let present: Thing | undefined = await make(connection.session());
  const keptUp = keepUp(present);

  return {
    get present() {
      return present;
    },
    release() {
      releasing.abort();
      return keptUp;
    },
  };

  async function keepUp(first: Thing): Promise<void> {
    for (let thing: Thing | undefined = first; thing !== undefined; thing = await makeAgain()) {
      present = thing;
      const reason = await Promise.race([thing.ended, released]);
      if (reason === undefined) return;
      present = undefined;
      // A connection that was lost has been reported once.
      if (connection.server !== "")
        logger.warn(`${what} was ended by rabbitmq: ${reason}; starting it again`);
    }
  }

  async function makeAgain(): Promise<Thing | undefined> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      if (attempt > 0) await pause(retryWaitMs(attempt, maxWaitMs), undefined, { signal }).catch(() => {});
      await Promise.race([ready?.(), released]);
      const session = await connection.next(signal);
      if (session === undefined) return undefined;
      try {
        const thing = await make(session);
        logger.debug(`${what} is there again`);
        return thing;
      } catch (thrown) {
        const text = `${what} can't be started again yet: ${MicroError.from(thrown).detail}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
      }
    }
    return undefined;
  }
}
