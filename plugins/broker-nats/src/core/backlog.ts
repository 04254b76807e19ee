import type { Delivery, Incoming, Room } from "ts-micro/broker";

/** Messages that have arrived and wait for a handler: bounded, because core NATS can't be told to send less. */
export interface Backlog {
  /** @param payload is copied */
  add(subject: string, payload: Uint8Array): void;
  /** All that wait are handed on, whatever their number: the subscription ends. */
  flush(): void;
}

export interface Arrived {
  readonly subject: string;
  readonly payload: Buffer;
}

export interface BacklogSetup {
  delivery: Delivery;
  maxMessages: number;
  maxBytes: number;
  /** What the delivery is given; `undefined` for a message that can't be read. */
  read(message: Arrived): Incoming | undefined;
  /** Told when the first message of a row is dropped, and with their number when there is room again. */
  onDropping(): void;
  onDropped(count: number): void;
}

export function newBacklog(setup: BacklogSetup): Backlog {
  const { delivery, maxMessages, maxBytes, read } = setup;
  let waiting: Arrived[] = [];
  /** Messages before it have been handed on. */
  let head = 0;
  let bytes = 0;
  let dropped = 0;
  let moving = false;

  return {
    add(subject, payload) {
      // Almost always a handler is free, and the message is read from where it is.
      const room = waiting.length === head && !moving ? delivery.tryRoom() : undefined;
      if (room !== undefined) {
        hand({ subject, payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length) }, room);
        return;
      }
      if (waiting.length - head >= maxMessages || bytes + payload.length > maxBytes) {
        if (dropped++ === 0) setup.onDropping();
        return;
      }
      // The library's bytes are a part of what the socket read, which would be kept as a whole.
      waiting.push({ subject, payload: Buffer.from(payload) });
      bytes += payload.length;
      if (!moving) void move();
    },
    flush() {
      for (let next = take(); next !== undefined; next = take()) {
        const incoming = read(next);
        if (incoming !== undefined) delivery.take(incoming);
      }
      tellDropped();
    },
  };

  async function move(): Promise<void> {
    moving = true;
    while (waiting.length > head) {
      const room = delivery.tryRoom() ?? (await delivery.room());
      if (room === undefined) break;
      hand(take(), room);
    }
    moving = false;
    if (waiting.length === head) tellDropped();
  }

  function hand(message: Arrived | undefined, room: Room): void {
    const incoming = message === undefined ? undefined : read(message);
    if (incoming === undefined) room.release();
    else room.take(incoming);
  }

  function take(): Arrived | undefined {
    const next = waiting[head];
    if (next === undefined) return undefined;
    head++;
    bytes -= next.payload.length;
    if (head > 1_024 && head * 2 > waiting.length) {
      waiting = waiting.slice(head);
      head = 0;
    }
    return next;
  }

  function tellDropped(): void {
    if (dropped === 0) return;
    setup.onDropped(dropped);
    dropped = 0;
  }
}
