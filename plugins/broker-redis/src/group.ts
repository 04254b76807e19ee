import { randomUUID } from "node:crypto";
import type { Connection, Session } from "@ts-micro/redis-connection";
import { isRefusal, textOf } from "@ts-micro/redis-connection";
import type { Logger } from "ts-micro";
import { type Entry, entriesOf, entriesOfRead, list, type Pending, pendingOf } from "./entries.ts";
import { blockMs, type Source } from "./source.ts";

export interface GroupSetup {
  connection: Connection;
  key: string;
  queue: string;
  claimAfterMs: number;
  logger: Logger;
}

/**
 * A queue's member: one consumer of a consumer group, under a name that nobody had before.
 *
 * What it has read and not acknowledged stands in the group's list of pending entries. While it lives, it says so
 * every third of `claimAfterMs`; what nobody reports any longer goes to the member that finds it first.
 */
export async function openGroup(setup: GroupSetup): Promise<Source> {
  const { connection, key, queue, claimAfterMs, logger } = setup;
  const self = randomUUID();
  /** Read and not acknowledged yet; true for those that are done, whose acknowledgement didn't get through. */
  const inHand = new Map<string, boolean>();
  let nextClaimAt = performance.now() + blockMs;
  let readers = 0;
  let lostSome = false;

  await create(connection.session(), "$");
  const reporting = setInterval(() => void report(), claimAfterMs / 3);

  return {
    async begin(reader) {
      // What the last reader was sent when it broke off is pending here, and in nobody's hand.
      lostSome = readers++ > 0;
      await create(reader, "0");
      await report();
    },

    async read(reader, count) {
      const entries = await next(reader, count);
      for (const { id } of entries) inHand.set(id, false);
      return entries;
    },

    async settle(entry, outcome, attempts) {
      if (outcome === "returned") await giveBack(entry.id, attempts);
      else await acknowledge(entry.id);
    },

    async end() {
      clearInterval(reporting);
      await acknowledgeLate();
      if (inHand.size > 0) {
        logger.warn(`${inHand.size} handled messages could not be acknowledged; they will come again`);
        return;
      }
      await leave().catch((thrown: unknown) =>
        logger.debug(`consumer ${self} stays listed in queue ${queue}: ${textOf(thrown)}`),
      );
    },
  };

  /** `from` is where a group begins that isn't there yet: `$` behind the last message, `0` before the first. */
  async function create(session: Session, from: "$" | "0"): Promise<void> {
    try {
      await session.command(["XGROUP", "CREATE", key, queue, from, "MKSTREAM"]);
    } catch (thrown) {
      if (!isRefusal(thrown, "BUSYGROUP")) throw thrown;
    }
  }

  async function next(reader: Session, count: number): Promise<Entry[]> {
    try {
      if (lostSome) {
        const entries = await takeLost(reader, count);
        if (entries.length > 0) return entries;
        lostSome = false;
      }
      if (performance.now() >= nextClaimAt) {
        nextClaimAt = performance.now() + blockMs;
        const entries = await takeStuck(reader, count);
        if (entries.length > 0) return entries;
      }
      const args = ["COUNT", String(count), "BLOCK", String(blockMs), "STREAMS", key, ">"];
      return entriesOfRead(await reader.command(["XREADGROUP", "GROUP", queue, self, ...args], blockMs));
    } catch (thrown) {
      if (!isRefusal(thrown, "NOGROUP") && !isRefusal(thrown, "UNBLOCKED")) throw thrown;
      // Redis has lost its data: whatever is in the stream was published since.
      logger.warn(`queue ${queue} of ${key} is gone, making it again: ${thrown.message}`);
      await create(reader, "0");
      return [];
    }
  }

  /** Pending for us, but no reply brought it. No handler has seen it, so this delivery isn't another one. */
  async function takeLost(reader: Session, count: number): Promise<Entry[]> {
    for (let start = "-"; ; ) {
      const page = pendingOf(await reader.command(["XPENDING", key, queue, start, "+", "100", self]));
      const lost = page.filter(({ id }) => !inHand.has(id)).slice(0, count);
      const entries = await claim(reader, lost, 0);
      const last = page.at(-1);
      if (entries.length > 0 || last === undefined) return entries;
      start = `(${last.id}`;
    }
  }

  /** Reported by nobody for too long, or given back. */
  async function takeStuck(reader: Session, count: number): Promise<Entry[]> {
    const range = ["IDLE", String(claimAfterMs), "-", "+", String(count + inHand.size)];
    const stuck = pendingOf(await reader.command(["XPENDING", key, queue, ...range]))
      .filter(({ id }) => !inHand.has(id))
      .map(({ id, deliveries }) => ({ id, deliveries: deliveries + 1 }));
    return claim(reader, stuck.slice(0, count), claimAfterMs);
  }

  /** Of several members that claim the same entry, one gets it. One that was trimmed away comes to nobody. */
  async function claim(reader: Session, wanted: readonly Pending[], idleMs: number): Promise<Entry[]> {
    const claimed = wanted.map(async ({ id, deliveries }) => {
      const args = [key, queue, self, String(idleMs), id, "RETRYCOUNT", String(deliveries)];
      return entriesOf(await reader.command(["XCLAIM", ...args]), deliveries);
    });
    return (await Promise.all(claimed)).flat();
  }

  async function acknowledge(id: string): Promise<void> {
    try {
      await connection.session().command(["XACK", key, queue, id]);
      inHand.delete(id);
    } catch (thrown) {
      inHand.set(id, true);
      logger.debug(`acknowledging ${id} failed and will be tried again: ${textOf(thrown)}`);
    }
  }

  async function acknowledgeLate(): Promise<void> {
    const late = [...inHand].filter(([, done]) => done);
    await Promise.all(late.map(([id]) => acknowledge(id)));
  }

  /** Nobody will be silent about it as long as this entry now seems to have been, so the next look finds it. */
  async function giveBack(id: string, attempts: number): Promise<void> {
    inHand.delete(id);
    const more = ["IDLE", String(longestIdleMs), "RETRYCOUNT", String(attempts), "JUSTID"];
    await connection.session().command(["XCLAIM", key, queue, returned, "0", id, ...more]);
  }

  /** What is in hand is not stuck. */
  async function report(): Promise<void> {
    try {
      await acknowledgeLate();
      if (inHand.size === 0) return;
      await connection.session().command(["XCLAIM", key, queue, self, "0", ...inHand.keys(), "JUSTID"]);
    } catch (thrown) {
      logger.debug(`queue ${queue} could not be told what is in hand: ${textOf(thrown)}`);
    }
  }

  /** Removing a consumer removes what is pending for it, which has to come to somebody else yet. */
  async function leave(): Promise<void> {
    const session = connection.session();
    const pending = list(await session.command(["XPENDING", key, queue, "-", "+", "1", self]));
    if (pending.length === 0) await session.command(["XGROUP", "DELCONSUMER", key, queue, self]);
  }
}

/** The consumer that has what members gave back. */
const returned = "returned";

/** No `claimAfterMs` is longer. */
export const longestIdleMs = 24 * 60 * 60 * 1_000;
