import type { Delivery, Room } from "ts-micro/broker";

/**
 * Asks for messages when there is room for them, never for more: so the number of a delivery is the number of the
 * handler's attempt, and a process that ends gives back little.
 */
export interface Pulling {
  /** Messages may be asked for: the consumer exists on the present connection. */
  start(request: (count: number) => void): void;
  /** What was asked for will not come: the connection is gone, or the consumer. */
  pause(): void;
  /** The room for a message that has arrived; `undefined` for one that comes after its request was given up. */
  arrived(): Room | undefined;
  /** The server has ended the request: it was too old, or nothing can come of it. */
  over(): void;
}

/** @param giveUpMs after how long a request that the server says nothing about is made anew */
export function newPulling(delivery: Delivery, giveUpMs: number): Pulling {
  let request: ((count: number) => void) | undefined;
  let rooms: Room[] = [];
  let waiting = false;
  let timer: NodeJS.Timeout | undefined;

  return {
    start(present) {
      request = present;
      void ask();
    },
    pause() {
      request = undefined;
      over();
    },
    arrived() {
      const room = rooms.pop();
      if (room !== undefined && rooms.length === 0) {
        clearTimeout(timer);
        // In a moment, so that the message takes its room first.
        queueMicrotask(() => void ask());
      }
      return room;
    },
    over,
  };

  async function ask(): Promise<void> {
    if (request === undefined || waiting || rooms.length > 0) return;
    waiting = true;
    const first = delivery.tryRoom() ?? (await delivery.room());
    waiting = false;
    // The subscription has ended.
    if (first === undefined) return;
    if (request === undefined) return first.release();
    rooms = [first];
    for (let room = delivery.tryRoom(); room !== undefined; room = delivery.tryRoom()) rooms.push(room);
    timer = setTimeout(over, giveUpMs);
    timer.unref();
    request(rooms.length);
  }

  function over(): void {
    clearTimeout(timer);
    const left = rooms;
    rooms = [];
    for (const room of left) room.release();
    void ask();
  }
}
