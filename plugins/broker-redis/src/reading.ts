import { setTimeout as pause } from "node:timers/promises";
import type { Connection, Session } from "@ts-micro/redis-connection";
import { isRefusal, textOf } from "@ts-micro/redis-connection";
import type { Logger } from "ts-micro";
import type { Delivery, Incoming, Room } from "ts-micro/broker";
import type { Entry } from "./entries.ts";
import type { Source } from "./source.ts";

export interface ReadingSetup {
  connection: Connection;
  source: Source;
  delivery: Delivery;
  /** What the delivery is given; `undefined` for an entry that can't be read. */
  toIncoming(entry: Entry): Incoming | undefined;
  logger: Logger;
}

/** A subscription's way from the engine to its handlers. */
export interface Reading {
  /** Resolves when nothing is read any more, and what was read is done. Never rejects. */
  end(): Promise<void>;
}

/**
 * Reads no more than there is room for in the delivery, on a connection of its own, because a command that waits for
 * messages holds up those behind it.
 *
 * @throws what opening the connection and the source's `begin` throw, the first time; later they are tried again
 */
export async function startReading(setup: ReadingSetup): Promise<Reading> {
  const { connection, source, delivery, toIncoming, logger } = setup;
  const ending = new AbortController();
  let reader = await open();
  const done = run();

  return {
    async end() {
      ending.abort();
      const stopped = delivery.stop();
      // The server answers at once what waits there; otherwise the wait is short anyway.
      await unblock(reader).catch(() => {});
      await done;
      await stopped;
    },
  };

  async function open(): Promise<OpenReader> {
    const session = await connection.openReader();
    try {
      const id = String(await session.command(["CLIENT", "ID"]));
      await source.begin(session);
      return { session, id };
    } catch (thrown) {
      session.drop("it can't be used");
      throw thrown;
    }
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        while (!ending.signal.aborted) await readOnce(reader.session);
      } catch (thrown) {
        const text = `reading was interrupted: ${textOf(thrown)}`;
        if (isRefusal(thrown)) logger.warn(text);
        else logger.debug(text);
        await reader.session.end();
        await openAgain();
      }
    }
    await reader.session.end();
  }

  async function readOnce(session: Session): Promise<void> {
    const rooms = await takeRooms();
    try {
      const entries = rooms.length === 0 ? [] : await source.read(session, rooms.length);
      for (const entry of entries) {
        const incoming = toIncoming(entry);
        if (incoming !== undefined) rooms.pop()?.take(incoming);
      }
    } finally {
      for (const room of rooms) room.release();
    }
  }

  /** Room for some messages, and at least one; none when the subscription ends. */
  async function takeRooms(): Promise<Room[]> {
    const rooms: Room[] = [];
    for (let room = await delivery.room(); room !== undefined; ) {
      rooms.push(room);
      room = rooms.length < mostAtOnce ? delivery.tryRoom() : undefined;
    }
    return rooms;
  }

  async function openAgain(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      await pause(retryMs * (0.5 + Math.random()), undefined, { signal: ending.signal }).catch(() => {});
      if ((await connection.next(ending.signal)) === undefined) return;
      try {
        reader = await open();
        return;
      } catch (thrown) {
        const text = `can't read messages yet: ${textOf(thrown)}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
      }
    }
  }

  async function unblock({ id }: OpenReader): Promise<void> {
    await connection.session().command(["CLIENT", "UNBLOCK", id]);
  }
}

interface OpenReader {
  readonly session: Session;
  /** By which the server knows the connection. */
  readonly id: string;
}

/** One reading brings no more, so that the members of a queue share what is published at once. */
const mostAtOnce = 16;

/** Mean wait before another connection is tried while the server is there, in milliseconds. */
const retryMs = 200;
