import type { Duplex } from "node:stream";
import type { MicroError } from "../errors.ts";
import type { Metadata } from "../metadata.ts";
import { type Body, encodeBody } from "../mux/body.ts";
import { decimal } from "../mux/decimal.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import { Link, type LinkEvents } from "../mux/link.ts";
import { Ring } from "../mux/ring.ts";
import { bodyTooLarge } from "../transport/message-size.ts";
import type { Outcome, WireAttempt } from "./attempt.ts";
import type { StreamRequest } from "./client.ts";
import { connectionFailed, connectionLost } from "./connection.ts";
import { MuxCall } from "./mux-call.ts";
import { type Head, Heads } from "./mux-heads.ts";
import type { ClientSettings } from "./settings.ts";

/** What a connection tells who keeps it. */
export interface MuxConnectionEvents {
  /** No new call may use it. */
  unusable(): void;
  closed(): void;
}

/** What waits for frames that carry its number. */
export interface Exchange {
  frame(letter: number, line: Line, heardAt: number): void;
  /** The connection is gone. */
  closed(error: MicroError): void;
}

/** Numbers of calls that JavaScript and the protocol hold exactly. */
const lastId = 2 ** 48;

/** One connection to one node, and all calls and streams that travel on it. */
export class MuxConnection implements LinkEvents {
  readonly address: string;
  readonly #link: Link;
  readonly #events: MuxConnectionEvents;
  readonly #exchanges = new Ring<Exchange>();
  readonly #heads: Heads;
  readonly #maxBodyBytes: number;
  #nextId = 1;
  #usable = true;
  #ended: MicroError | undefined;
  #waiting: (() => void)[] = [];

  constructor(
    socket: Duplex,
    address: string,
    settings: ClientSettings,
    maxBodyBytes: number,
    events: MuxConnectionEvents,
  ) {
    this.address = address;
    this.#events = events;
    this.#maxBodyBytes = maxBodyBytes;
    this.#link = new Link(socket, this, { maxBodyBytes });
    this.#heads = new Heads(this.#link, settings);
  }

  /** A new call may be made on it, at once or when it is drained. */
  get usable(): boolean {
    return this.#usable;
  }

  /** A new call can be written at once. */
  get ready(): boolean {
    return this.#usable && !this.#link.congested;
  }

  /** Resolves when the connection is no longer congested, or is gone. */
  whenDrained(): Promise<void> {
    if (!this.#link.congested || this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Sends the request, and tells the decoded answer.
   * @throws MicroError 503 `connection-failed` when the connection is gone already; nothing has left then
   */
  call(attempt: WireAttempt, outcome: Outcome): void {
    const { request, limit, metadata, remainingMs } = attempt;
    const head = this.headFor(request, metadata);
    const body = this.encoded(head, request, request.body);
    const call = new MuxCall(this, attempt, head, outcome);
    limit.doing = "waiting for the answer of";
    limit.address = this.address;
    this.#link.send(`q${decimal(call.id)}${head.fields(remainingMs, metadata)}`, body);
    limit.begin(call);
  }

  /**
   * The head of a request, which is sent now when it is new.
   * @throws MicroError as `call` does
   */
  headFor(request: StreamRequest, metadata: Readonly<Metadata>): Head {
    if (this.#ended !== undefined) throw connectionFailed(this.address, this.#ended);
    return this.#heads.of(request, metadata);
  }

  /** @throws MicroError 413 `too-large`; as the codec does */
  encoded(head: Head, { endpoint, requestType }: StreamRequest, value: unknown): Body {
    const body = encodeBody(head.codec, value, head.frame, requestType);
    if (body.length > this.#maxBodyBytes) {
      const what = `the request to ${endpoint}`;
      throw bodyTooLarge(body, this.#maxBodyBytes, { id: "go.micro.client", what, code: 413 });
    }
    return body;
  }

  /** Gives what waits for frames a number. */
  add(exchange: Exchange): number {
    const id = this.#nextId++;
    this.#exchanges.set(id, exchange);
    if (id >= lastId) this.retire();
    return id;
  }

  remove(id: number): void {
    this.#exchanges.delete(id);
    if (!this.#usable && this.#exchanges.size === 0) this.#link.end();
  }

  write(frame: string): void {
    this.#link.write(frame);
  }

  send(fields: string, body: Body): void {
    this.#link.send(fields, body);
  }

  get congested(): boolean {
    return this.#link.congested;
  }

  /** When something was last received, on the clock of `performance.now()`. */
  get heardAt(): number {
    return this.#link.heardAt;
  }

  /** A call had no answer in time. Nobody may be there any more if nothing else was heard since it left. */
  suspect(heardBefore: number): void {
    if (this.#link.heardAt === heardBefore) this.#link.probe();
  }

  frame(letter: number, line: Line): void {
    switch (letter) {
      case letters.answer:
      case letters.error:
      case letters.item:
      case letters.end:
      case letters.window:
        // What was given up here may still be answered.
        this.#exchanges.get(line.number())?.frame(letter, line, this.#link.heardAt);
        break;
      case letters.goodbye:
        this.#link.write("k\n");
        this.retire();
    }
  }

  drain(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  closed(cause?: Error): void {
    this.#ended = (this.#link.strange ? connectionFailed : connectionLost)(this.address, cause);
    this.#retireNow();
    this.#events.closed();
    this.drain();
    for (const exchange of this.#exchanges.clear()) exchange.closed(this.#ended);
  }

  /** Takes no further calls, and closes when those under way are over. Twice is once. */
  retire(): void {
    this.#retireNow();
    if (this.#exchanges.size === 0) this.#link.end();
  }

  destroy(): void {
    this.#retireNow();
    this.#link.destroy();
  }

  #retireNow(): void {
    if (!this.#usable) return;
    this.#usable = false;
    this.#events.unusable();
  }
}
