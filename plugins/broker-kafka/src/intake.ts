import { setTimeout as pause } from "node:timers/promises";
import type { KafkaMessage } from "kafkajs";
import type { Delivery, Message, Room } from "ts-micro/broker";
import type { Progress } from "./progress.ts";
import type { Outgoing } from "./publisher.ts";
import { readRetry, writeRetry } from "./retry-topic.ts";

export interface IntakeSetup {
  delivery: Delivery;
  /** More than so many messages behind one that isn't done are not begun. */
  maxAhead: number;
  /** What an entry's value is; `undefined` for one that can't be read. */
  read(value: Buffer): Message | undefined;
  /** Only in a retry topic: no message waits longer for its time, whatever its headers say, in milliseconds. */
  longestWaitMs?: number;
  /** Puts a message into the retry topic. Left out: it waits in its slot. */
  postpone?(message: Outgoing): Promise<void>;
  /** False when the partition has gone to another member. */
  isOurs(own: Progress): boolean;
  /** Something was begun or done. */
  onProgress(): void;
}

/** From a partition's entries to the handlers. */
export interface Intake {
  /**
   * Resolves when a handler has the entry, or when it waits for its time. False when the subscription ends.
   * @param heartbeat lets the group know that we live; what it throws is thrown
   */
  take(own: Progress, entry: KafkaMessage, heartbeat: () => Promise<void>): Promise<boolean>;
  /** What waits is not begun any more. */
  end(): void;
}

export function newIntake(setup: IntakeSetup): Intake {
  const { delivery, maxAhead, read, longestWaitMs, postpone, isOurs, onProgress } = setup;
  const waiting = new Set<NodeJS.Timeout>();
  let ending = false;

  return {
    async take(own, entry, heartbeat) {
      const retry = longestWaitMs === undefined ? neverTried : readRetry(entry.headers);
      const waitMs = Math.min(retry.dueAt - Date.now(), longestWaitMs ?? 0);
      if (waitMs > 0) {
        if (!(await isInReach(own, heartbeat))) return false;
        own.hold(Number(entry.offset));
        beginLater(own, entry, retry.attempts, waitMs);
        return true;
      }
      const room = await roomFor(own, heartbeat);
      if (room === undefined) return false;
      begin(own, entry, retry.attempts, room);
      return true;
    },
    end() {
      ending = true;
      for (const timer of waiting) clearTimeout(timer);
    },
  };

  /** A message that waits for its time has no slot: it gets one when it is due. */
  function beginLater(own: Progress, entry: KafkaMessage, attempts: number, waitMs: number): void {
    const timer = setTimeout(async () => {
      waiting.delete(timer);
      const room = await delivery.room();
      if (room === undefined) return;
      if (isOurs(own)) begin(own, entry, attempts, room);
      else room.release();
    }, waitMs);
    waiting.add(timer);
  }

  function begin(own: Progress, entry: KafkaMessage, attemptsBefore: number, room: Room): void {
    const offset = Number(entry.offset);
    const attempt = attemptsBefore + own.begin(offset);
    const { key, value: given } = entry;
    const value = given ?? Buffer.alloc(0);
    const message = read(value);
    if (message === undefined) {
      own.done(offset);
      room.release();
    } else {
      room.take({
        message,
        attempt,
        async settle(outcome, attempts) {
          if (outcome === "returned") own.returned(offset, attempts - attemptsBefore);
          else own.done(offset);
          onProgress();
        },
        ...(postpone !== undefined && {
          postpone: (attempts, waitMs) =>
            postpone({ key, value, headers: writeRetry({ attempts, dueAt: Date.now() + waitMs }) }),
        }),
      });
    }
    onProgress();
  }

  /** False when the subscription ends before. */
  async function isInReach(own: Progress, heartbeat: () => Promise<void>): Promise<boolean> {
    while (own.ahead >= maxAhead) {
      if (ending) return false;
      await pause(beatMs, undefined, { ref: false });
      await heartbeat();
    }
    return true;
  }

  /** Waits for room, and lets the group know meanwhile that we live. `undefined` when the subscription ends. */
  async function roomFor(own: Progress, heartbeat: () => Promise<void>): Promise<Room | undefined> {
    const now = own.ahead < maxAhead ? delivery.tryRoom() : undefined;
    if (now !== undefined) return now;
    let wanted: Promise<Room | undefined> | undefined;
    try {
      for (;;) {
        if (own.ahead < maxAhead) wanted ??= delivery.room();
        const waited = pause(beatMs, "beat" as const, { ref: false });
        const room = await (wanted === undefined ? waited : Promise.race([wanted, waited]));
        if (room !== "beat") return room;
        if (ending && wanted === undefined) return undefined;
        await heartbeat();
      }
    } catch (thrown) {
      void wanted?.then((room) => room?.release());
      throw thrown;
    }
  }
}

const neverTried = { attempts: 0, dueAt: 0 };

/** How often the group hears from a member that waits for its handlers, in milliseconds; the library sends fewer. */
const beatMs = 200;
