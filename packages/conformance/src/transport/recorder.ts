import assert from "node:assert/strict";
import type { Message, Socket, SocketEvents } from "ts-micro/transport";
import { text } from "./sample.ts";

/** Takes a socket's events and lets a test wait for them. Notes what must not happen. */
export class Recorder implements SocketEvents {
  readonly violations: string[] = [];
  /** Resolves with what `close` was given. */
  readonly closed: Promise<Error | undefined>;
  /** Messages so far, without the hello. */
  messages = 0;
  events = 0;
  onMessage: ((message: Message) => void) | undefined;
  onHello: (() => void) | undefined;
  #socket: Socket | undefined;
  #onClosed: (error: Error | undefined) => void = () => {};
  #isClosed = false;
  readonly #arrived: Message[] = [];
  readonly #waiting: ((message: Message) => void)[] = [];
  #onDrain: (() => void) | undefined;

  constructor(socket?: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
  }

  get socket(): Socket {
    assert.ok(this.#socket !== undefined, "no socket yet");
    return this.#socket;
  }

  set socket(socket: Socket) {
    this.#socket = socket;
  }

  message(message: Message): void {
    this.#note("message");
    if (this.onHello !== undefined) {
      const hello = this.onHello;
      this.onHello = undefined;
      hello();
      return;
    }
    this.messages++;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(message);
    else waiting(message);
    this.onMessage?.(message);
  }

  drain(): void {
    this.#note("drain");
    this.#onDrain?.();
    this.#onDrain = undefined;
  }

  close(error?: Error): void {
    this.#note("close");
    this.#isClosed = true;
    if (this.#socket?.closed === false) this.violations.push("closed was false when close was told");
    this.#onClosed(error);
  }

  next(): Promise<Message> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async nextText(): Promise<string> {
    return text(await this.next());
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrain = resolve;
    });
  }

  /** After `send` gave false: true when no drain follows within some rounds of the event loop. */
  async stalled(): Promise<boolean> {
    let drained = false;
    this.#onDrain = () => {
      drained = true;
    };
    for (let round = 0; round < 200 && !drained; round++) await turn();
    this.#onDrain = undefined;
    return !drained;
  }

  #note(event: string): void {
    this.events++;
    if (this.#isClosed) this.violations.push(`${event} after close`);
  }
}

/** Lets everything happen that is ready to happen. */
export async function turn(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
