import type { Duplex } from "node:stream";
import { MicroError } from "../errors.ts";
import { readHead } from "../mux/head.ts";
import { letters } from "../mux/letters.ts";
import { BadFrame, type Line } from "../mux/line.ts";
import { type Leaving, Link, type LinkEvents } from "../mux/link.ts";
import type { Delivery, Room } from "./delivery.ts";
import { brokerErrorId } from "./failures.ts";
import { Arrived, type MessageHead, messageHead } from "./mux-arrived.ts";
import type { MuxReceiverSetup } from "./mux-receiver.ts";

/**
 * Messages of one publisher that wait for busy subscriptions, and their bytes, until the connection is no
 * longer read. Our own publishers keep to less for each subscription.
 */
const maxHeld = 4096;
const maxHeldBytes = 16 * 1024 * 1024;

/**
 * A subscriber's end of one publisher's connection: gives each message to its subscription and confirms it.
 *
 * A message counts as taken when its confirmation has left: only then its handler starts. A publisher whose connection ends
 * can't know whether it did, so it offers the message to nobody else.
 */
export class MuxSubscriber implements LinkEvents {
  readonly #setup: MuxReceiverSetup;
  readonly #link: Link;
  readonly #heads = new Map<number, MessageHead>();
  /** Messages are numbered in the order in which they come. */
  #lastNumber = 0;
  /** Taken one after the other, and to be confirmed together. */
  #taken: Taken | undefined;
  #lastConfirmed: Taken | undefined;
  #unread: NodeJS.Timeout | undefined;
  /** What ends the wait of a message for its busy subscription, unconfirmed, by the message's number. */
  readonly #held = new Map<number, () => void>();
  #heldBytes = 0;
  #paused = false;
  /** This side leaves, and the publisher has said that no message comes any more. */
  #understood = false;
  #left: (() => void) | undefined;
  #gone = false;
  readonly #onClosed: () => void;

  constructor(connection: Duplex, setup: MuxReceiverSetup, onClosed: () => void) {
    this.#setup = setup;
    this.#onClosed = onClosed;
    this.#link = new Link(connection, this, { maxBodyBytes: setup.maxMessageBytes });
  }

  frame(letter: number, line: Line): void {
    switch (letter) {
      case letters.message:
        this.#message(line);
        break;
      case letters.head: {
        const { number, head } = readHead(line);
        this.#heads.set(number, messageHead(head));
        break;
      }
      case letters.cancel: {
        const number = line.number();
        this.#taken?.withdraw(number);
        this.#held.get(number)?.();
        break;
      }
      case letters.understood:
        this.#understood = true;
        this.#settle();
    }
  }

  caughtUp(): void {
    this.#confirm();
    this.#regulate();
  }

  drain(): void {
    this.#regulate();
  }

  closed(): void {
    this.#gone = true;
    clearTimeout(this.#unread);
    this.#taken?.left(new Error("the connection has ended"));
    this.#taken = undefined;
    for (const giveUp of [...this.#held.values()]) giveUp();
    this.#onClosed();
    this.#left?.();
  }

  /** Asks the publisher to go elsewhere, and closes when all that it has sent is answered. Resolves when it is closed. */
  leave(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#link.write("g\n");
      this.#settle();
    });
  }

  destroy(): void {
    this.#link.destroy();
  }

  #message(line: Line): void {
    const number = ++this.#lastNumber;
    const headNumber = line.number();
    const head = this.#heads.get(headNumber);
    if (head === undefined) throw new BadFrame(`a message with the head ${headNumber}, which was never sent`);
    const { find, maxMessageBytes } = this.#setup;
    const subscription = find(head.endpoint);
    if (subscription === undefined) {
      this.#refuse(number, 404, `no subscription ${JSON.stringify(head.endpoint)}`);
    } else if (line.oversize > 0) {
      this.#refuse(number, 413, `the body has ${line.oversize} bytes, of ${maxMessageBytes} allowed`);
    } else {
      const { topic, delivery } = subscription;
      const size = line.end - line.at + (line.bytes?.length ?? 0);
      const message = new Arrived(head, topic, line);
      const room = delivery.tryRoom();
      if (room !== undefined) this.#take(number, room, message);
      else this.#hold(number, delivery, message, size);
    }
  }

  #take(number: number, room: Room, message: Arrived): void {
    if (this.#taken?.last !== number - 1) this.#confirm();
    this.#taken ??= new Taken(number);
    this.#taken.add(room, message);
  }

  #confirm(): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    this.#link.write(`t${taken.first} ${taken.last}\n`, taken);
    this.#lastConfirmed = taken;
    this.#watch(taken);
  }

  /** A publisher that reads no confirmations would keep the rooms of its messages, for which others wait, for ever. */
  #watch(taken: Taken): void {
    const { holdMs } = this.#setup;
    this.#unread ??= setTimeout(() => {
      this.#unread = undefined;
      if (!taken.isOver) {
        this.#link.destroy(new Error(`the publisher has not read a confirmation within ${holdMs} ms`));
      } else if (this.#lastConfirmed?.isOver === false) this.#watch(this.#lastConfirmed);
    }, holdMs);
  }

  #refuse(number: number, code: number, detail: string): void {
    this.#link.send(`e${number} `, JSON.stringify(new MicroError({ id: brokerErrorId, code, detail })));
  }

  /** Waits for room. A publisher that waits no longer says so. */
  #hold(number: number, delivery: Delivery, message: Arrived, size: number): void {
    message.detach();
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      clearTimeout(timer);
      this.#held.delete(number);
      this.#heldBytes -= size;
      this.#settle();
      this.#regulate();
    };
    const busy = (): void => {
      this.#refuse(number, 503, "the subscription is busy or ending");
      end();
    };
    const timer = setTimeout(busy, this.#setup.holdMs);
    this.#held.set(number, end);
    this.#heldBytes += size;
    void delivery.room(over.signal).then((room) => {
      if (over.signal.aborted) room?.release();
      else if (room === undefined) busy();
      else {
        this.#take(number, room, message);
        this.#confirm();
        end();
      }
    });
  }

  /** Reads only while what is read can be dealt with. */
  #regulate(): void {
    const pause = this.#link.congested || this.#held.size >= maxHeld || this.#heldBytes >= maxHeldBytes;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#link.pause();
    else this.#link.resume();
  }

  #settle(): void {
    if (this.#left === undefined || !this.#understood || this.#held.size > 0) return;
    this.#confirm();
    this.#link.end();
  }
}

/** Messages that are their handlers' as soon as the confirmation has left, and not before. */
class Taken implements Leaving {
  readonly first: number;
  /** The confirmation has left, or never will. */
  isOver = false;
  readonly #rooms: Room[] = [];
  readonly #messages: (Arrived | undefined)[] = [];

  constructor(first: number) {
    this.first = first;
  }

  get last(): number {
    return this.first + this.#messages.length - 1;
  }

  add(room: Room, message: Arrived): void {
    this.#rooms.push(room);
    this.#messages.push(message);
  }

  /** Its publisher has offered it elsewhere, or given it up. It is confirmed with the others all the same. */
  withdraw(number: number): void {
    const at = number - this.first;
    if (at >= 0 && at < this.#messages.length) this.#messages[at] = undefined;
  }

  left(error?: Error | null): void {
    this.isOver = true;
    this.#rooms.forEach((room, at) => {
      const message = this.#messages[at];
      if (error || message === undefined) room.release();
      else room.take(message);
    });
  }
}
