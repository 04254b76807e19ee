import type { Duplex } from "node:stream";
import type { Codec, Frame, MessageType } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { internalServerError, MicroError } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { decodeBody, encodeBody, metadataField } from "../mux/body.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import { Link, type LinkEvents } from "../mux/link.ts";
import type { WireAttempt } from "./attempt.ts";
import type { StreamRequest } from "./client.ts";
import { connectionFailed, connectionLost } from "./connection.ts";
import type { Interruptible, Limit } from "./limit.ts";
import type { ClientSettings } from "./settings.ts";

/** What a connection tells who keeps it. */
export interface MuxConnectionEvents {
  /** No new call may use it. */
  unusable(): void;
  closed(): void;
}

/** What is constant for many calls: sent once, and named by its number from then on. */
export interface Head {
  readonly number: number;
  readonly service: string;
  readonly contentType: string;
  readonly from: string | undefined;
  readonly codec: Codec;
  /** For the codec. */
  readonly frame: Frame;
}

/** What waits for frames that carry its number. */
export interface Exchange {
  frame(letter: number, line: Line, heardAt: number): void;
  /** The connection is gone. */
  closed(error: MicroError): void;
}

/** Heads that a connection may have; when they are used up, the numbers are given anew. */
const maxHeads = 1024;
/** Numbers of calls that JavaScript and the protocol hold exactly. */
const lastId = 2 ** 48;

/** One connection to one node, and all calls and streams that travel on it. */
export class MuxConnection implements LinkEvents {
  readonly address: string;
  readonly #link: Link;
  readonly #settings: ClientSettings;
  readonly #events: MuxConnectionEvents;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #heads = new Map<string, Head[]>();
  #headCount = 0;
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
    this.#settings = settings;
    this.#events = events;
    this.#link = new Link(socket, this, { maxBodyBytes });
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

  /** Sends the request and gives the decoded answer. */
  call(attempt: WireAttempt): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended;
      const { request, limit, metadata, remainingMs } = attempt;
      const head = this.headFor(request, metadata);
      const body = encodeBody(head.codec, request.body, head.frame, request.requestType);
      const call = new Call(this, limit, head, request.responseType, resolve, reject);
      limit.doing = "waiting for the answer of";
      limit.address = this.address;
      this.#link.send(`q${call.id} ${head.number} ${timeField(remainingMs)} ${extraField(metadata)} `, body);
      limit.begin(call);
    });
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

  send(fields: string, body: string | Uint8Array): void {
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

  /** The head of a request, which is sent now when it is new. */
  headFor(request: StreamRequest, metadata: Metadata): Head {
    const { service, endpoint } = request;
    const contentType = request.contentType ?? this.#settings.contentType;
    const from = metadata[headers.fromService];
    const known = this.#heads.get(endpoint);
    if (known !== undefined) {
      for (const head of known) {
        if (head.service === service && head.contentType === contentType && head.from === from) return head;
      }
    }
    if (this.#headCount >= maxHeads) {
      this.#heads.clear();
      this.#headCount = 0;
    }
    const head: Head = {
      number: this.#headCount++,
      service,
      contentType,
      from,
      codec: codecFor(contentType, this.#settings.codecs),
      frame: { kind: "request", id: "", endpoint, error: "" },
    };
    this.#link.send(`h${head.number} `, JSON.stringify({ service, endpoint, contentType, from }));
    const same = this.#heads.get(endpoint);
    if (same === undefined) this.#heads.set(endpoint, [head]);
    else same.push(head);
    return head;
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
    for (const [id, exchange] of [...this.#exchanges]) {
      this.#exchanges.delete(id);
      exchange.closed(this.#ended);
    }
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

/** A request that waits for its answer. */
class Call implements Exchange, Interruptible {
  readonly id: number;
  readonly #connection: MuxConnection;
  readonly #limit: Limit;
  readonly #head: Head;
  readonly #type: MessageType | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  /** What was heard last when the request left, on the clock of `performance.now()`. */
  readonly #heardBefore: number;

  constructor(
    connection: MuxConnection,
    limit: Limit,
    head: Head,
    type: MessageType | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#connection = connection;
    this.#limit = limit;
    this.#head = head;
    this.#type = type;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#heardBefore = connection.heardAt;
    this.id = connection.add(this);
  }

  frame(letter: number, line: Line, heardAt: number): void {
    if (letter !== letters.answer && letter !== letters.error) return;
    const limit = this.#limit;
    this.#connection.remove(this.id);
    limit.done(this);
    // The server gave up for the same deadline: that must not look like an answer of the handler's own.
    if (limit.deadline <= heardAt) this.#reject(limit.expire());
    else if (letter === letters.error) this.#reject(errorIn(line));
    else {
      try {
        this.#resolve(decodeBody(this.#head.codec, line, "response", this.#type));
      } catch (thrown) {
        this.#reject(unreadable(this.#connection.address, thrown));
      }
    }
  }

  closed(error: MicroError): void {
    this.#limit.done(this);
    this.#reject(error);
  }

  interrupt(error: MicroError): void {
    this.#connection.write(`x${this.id}\n`);
    this.#connection.remove(this.id);
    if (error.reason === "timeout") this.#connection.suspect(this.#heardBefore);
    this.#reject(error);
  }
}

/** What an `e` frame says. */
export function errorIn(line: Line): MicroError {
  return MicroError.parse(line.bytes?.toString() ?? line.rest());
}

export function unreadable(address: string, thrown: unknown): MicroError {
  const detail = `can't read the answer of ${address}: ${MicroError.from(thrown).detail}`;
  return internalServerError("go.micro.client.codec", detail, { reason: "decode-failed", cause: thrown });
}

/** Milliseconds until the caller gives up, 0 for never: the server shall not give up before it does. */
export function timeField(remainingMs: number): number {
  // Beyond a hundred days the digits would become an exponent; nobody waits for those.
  return remainingMs === Infinity ? 0 : Math.max(1, Math.min(Math.ceil(remainingMs), 9_000_000_000));
}

/** What of the metadata is not in the head. */
export function extraField(metadata: Metadata): string {
  let extra: Metadata | undefined;
  for (const key in metadata) {
    if (key === headers.fromService) continue;
    extra ??= {};
    extra[key] = metadata[key] as string;
  }
  return extra === undefined ? "-" : metadataField(extra);
}
