import type { Duplex } from "node:stream";
import { MicroError } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { type NamedHead, readHead } from "../mux/head.ts";
import { letters } from "../mux/letters.ts";
import { BadFrame, type Line } from "../mux/line.ts";
import { type Leaving, Link, type LinkEvents } from "../mux/link.ts";
import { readMetadata } from "../mux/metadata.ts";
import { type Message, messageHeaders } from "./broker.ts";
import type { Delivery, Room } from "./delivery.ts";
import { brokerErrorId } from "./failures.ts";
import type { MuxReceiverSetup } from "./mux-receiver.ts";

/**
 * Messages of one publisher that wait for busy subscriptions, and the bytes of their bodies, until the connection is no
 * longer read. Our own publishers keep to less for each subscription.
 */
const maxHeld = 4096;
const maxHeldBytes = 16 * 1024 * 1024;

/**
 * A subscriber's end of one publisher's connection: gives each message to its subscription and answers it.
 *
 * A message counts as taken when its answer has left: only then its handler starts. A publisher whose connection ends
 * can't know whether it did, so it offers the message to nobody else.
 */
export class MuxSubscriber implements LinkEvents {
  readonly #setup: MuxReceiverSetup;
  readonly #link: Link;
  readonly #heads = new Map<number, NamedHead>();
  /** What ends the wait of a message for its busy subscription, unanswered, by the message's number. */
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
      case letters.call:
        this.#message(line);
        break;
      case letters.head: {
        const { number, head } = readHead(line);
        this.#heads.set(number, head);
        break;
      }
      case letters.cancel:
        this.#held.get(line.number())?.();
        break;
      case letters.understood:
        this.#understood = true;
        this.#settle();
    }
  }

  drain(): void {
    this.#regulate();
  }

  closed(): void {
    this.#gone = true;
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
    const id = line.number();
    const number = line.number();
    const head = this.#heads.get(number);
    if (head === undefined) throw new BadFrame(`a message with the head ${number}, which was never sent`);
    if (this.#held.has(id)) throw new BadFrame(`the message ${id} is here already`);
    const forMs = line.number();
    const extra = line.word();
    const { find, maxMessageBytes } = this.#setup;
    const subscription = find(head.endpoint);
    if (subscription === undefined) {
      this.#refuse(id, 404, `no subscription ${JSON.stringify(head.endpoint)}`);
    } else if (line.oversize > 0) {
      this.#refuse(id, 413, `the body has ${line.oversize} bytes, of ${maxMessageBytes} allowed`);
    } else {
      const { topic, delivery } = subscription;
      const message = {
        header: headerOf(head, topic, extra),
        body: line.bytes ?? Buffer.from(line.rest(), "latin1"),
      };
      const room = delivery.tryRoom();
      if (room !== undefined) this.#take(id, room, message);
      else this.#hold(id, delivery, message, forMs);
    }
    this.#regulate();
  }

  #take(id: number, room: Room, message: Message): void {
    this.#link.write(`a${id} \n`, new Taken(room, message));
  }

  #refuse(id: number, code: number, detail: string): void {
    this.#link.send(`e${id} `, JSON.stringify(new MicroError({ id: brokerErrorId, code, detail })));
  }

  /** Waits for room, but not for longer than the publisher waits. */
  #hold(id: number, delivery: Delivery, message: Message, forMs: number): void {
    const { holdMs } = this.#setup;
    const over = new AbortController();
    const end = (): void => {
      over.abort();
      clearTimeout(timer);
      this.#held.delete(id);
      this.#heldBytes -= message.body.length;
      this.#settle();
      this.#regulate();
    };
    const busy = (): void => {
      this.#refuse(id, 503, "the subscription is busy or ending");
      end();
    };
    const timer = setTimeout(busy, forMs === 0 ? holdMs : Math.min(forMs, holdMs));
    this.#held.set(id, end);
    this.#heldBytes += message.body.length;
    void delivery.room(over.signal).then((room) => {
      if (over.signal.aborted) room?.release();
      else if (room === undefined) busy();
      else {
        this.#take(id, room, message);
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
    if (this.#left !== undefined && this.#understood && this.#held.size === 0) this.#link.end();
  }
}

/** A message that is its handler's as soon as the answer has left, and not before. */
class Taken implements Leaving {
  readonly #room: Room;
  readonly #message: Message;

  constructor(room: Room, message: Message) {
    this.#room = room;
    this.#message = message;
  }

  left(error?: Error | null): void {
    if (error) this.#room.release();
    else this.#room.take({ message: this.#message });
  }
}

/** @throws BadFrame, or a SyntaxError */
function headerOf({ contentType, from }: NamedHead, topic: string, extra: string): Metadata {
  const header = readMetadata(extra);
  if (contentType !== "") header[messageHeaders.contentType] = contentType;
  if (from !== "") header[headers.fromService] = from;
  header[messageHeaders.topic] = topic;
  return header;
}
