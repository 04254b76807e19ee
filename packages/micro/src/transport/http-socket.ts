/**
 * One connection of the http transport. The two ends differ in what they write, and in what they do about bytes
 * that make no sense; the rest is here: reading, joining writes, slowing down, closing.
 */
import type { Duplex } from "node:stream";
import { MicroError, type MicroErrorFields } from "../errors.ts";
import { tlsProblem } from "../tls.ts";
import { HttpError } from "./http-error.ts";
import type { HttpHead } from "./http-head.ts";
import { HttpParser } from "./http-parser.ts";
import { messageFor } from "./message.ts";
import { localAddressOf, remoteAddressOf } from "./stream-address.ts";
import type { Message, Socket, SocketEvents } from "./transport.ts";

export interface HttpSocketOptions {
  /** What this end reads. */
  reads: "request" | "response";
  /** Names this end in errors. */
  id: string;
  maxMessageBytes: number;
}

/** `send` gives false while more than this waits to be written, in bytes. */
const highWaterMark = 256 * 1024;
/** Messages of one tick are joined into one write, up to this many bytes. */
const joinedBytes = 64 * 1024;
/** A body from this length on is written by itself instead of being copied, in bytes. */
const ownWriteBytes = 16 * 1024;
/** How long an end that has sent everything goes on reading when the other doesn't close, in milliseconds. */
const lingerMs = 1_000;
/** How long a peer that did wrong, or has gone, may take to read what was sent before, in milliseconds. */
const lastWordsMs = 10_000;

export abstract class HttpSocket implements Socket {
  readonly local: string;
  readonly remote: string;
  protected readonly parser: HttpParser;
  protected readonly stream: Duplex;
  readonly #id: string;
  #events: SocketEvents | undefined;
  /** Heads and small bodies, one byte per character. Written once per tick. */
  #waiting = "";
  #flushScheduled = false;
  /** Made once, so that scheduling makes no closure. */
  readonly #flushNow = (): void => {
    this.#flushScheduled = false;
    this.#flush();
  };
  /** Bytes are being read: what is sent meanwhile is written when all of them are. */
  #reading = false;
  #drainOwed = false;
  /** Set when nothing is sent or delivered any more. */
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(stream: Duplex, options: HttpSocketOptions) {
    this.stream = stream;
    this.#id = options.id;
    this.local = localAddressOf(stream);
    this.remote = remoteAddressOf(stream);
    this.parser = new HttpParser({
      kind: options.reads,
      maxBodyBytes: options.maxMessageBytes,
      message: (head, body) => {
        if (!this.#closed) this.received(head, body);
      },
      expectsContinue: () => this.expectsContinue(),
    });
  }

  /** Begins to read. */
  protected start(events: SocketEvents): void {
    this.#events = events;
    const { stream } = this;
    stream.on("data", (bytes: Buffer) => this.read(bytes));
    stream.on("end", () => this.#peerEnded());
    // Once this end has said all it wanted, it is no matter how the other one leaves.
    stream.on("error", (error) =>
      this.#finish(stream.writableFinished && this.#closed ? undefined : this.lost(error)),
    );
    stream.on("close", () => this.#finish(this.#closed ? undefined : this.ended()));
    stream.on("drain", () => this.#drained());
    if (stream.destroyed) this.#finish(this.lost(stream.errored ?? undefined));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get takesText(): boolean {
    return true;
  }

  /** The head of a message to send, as latin1 text, and whatever the body's absence needs. */
  protected abstract headOf(message: Message, bodyLength: number): string;

  /** A whole message has arrived. */
  protected abstract received(head: HttpHead, body: string | Buffer): void;

  /** The peer's bytes were refused. */
  protected abstract refused(error: HttpError): void;

  /** The peer waits for a sign before it sends a body. */
  protected expectsContinue(): void {}

  /** The peer has closed between two messages. Gives what is wrong with that, if anything. */
  protected ended(): Error | undefined {
    return undefined;
  }

  /** Bytes were read, and all messages in them delivered. */
  protected advanced(): void {}

  protected deliver(message: Message): void {
    this.#events?.message(messageFor(this.#events, message));
  }

  send(message: Message): boolean {
    if (this.#closed) return true;
    const body = message.text ?? message.body;
    const head = this.headOf(message, body.length);
    if (body.length < ownWriteBytes) {
      this.write(typeof body === "string" ? head + body : head + asBuffer(body).toString("latin1"));
    } else {
      this.stream.cork();
      this.#waiting += head;
      this.#flush();
      if (typeof body === "string") this.stream.write(body, "latin1");
      else this.stream.write(asBuffer(body));
      this.stream.uncork();
    }
    if (this.#waiting.length + this.stream.writableLength <= highWaterMark) return true;
    this.#drainOwed = true;
    return false;
  }

  /** Writes bytes, given as latin1, after all that was handed over before; at the end of this tick. */
  protected write(bytes: string): void {
    this.#waiting += bytes;
    if (this.#waiting.length >= joinedBytes) this.#flush();
    else if (!this.#flushScheduled && !this.#reading) {
      this.#flushScheduled = true;
      process.nextTick(this.#flushNow);
    }
  }

  /**
   * The peer has sent these.
   * @param lent they are others when this returns
   */
  read(bytes: Buffer, lent = false): void {
    if (this.#closed) return;
    this.#reading = true;
    try {
      this.parser.push(bytes, lent);
      this.#reading = false;
      this.#flush();
    } catch (error) {
      this.#reading = false;
      if (error instanceof HttpError) this.refused(error);
      else this.fail(this.error(500, `handling a message failed: ${String(error)}`, { cause: error }));
      return;
    }
    this.advanced();
  }

  pause(): void {
    if (!this.#closed) this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.stream.destroyed) resolve();
      else {
        this.stream.once("close", resolve);
        this.#closed = true;
        this.#end();
      }
    });
    return this.#closing;
  }

  destroy(): void {
    this.#closed = true;
    this.#waiting = "";
    this.stream.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Closes at once because of an error. */
  protected fail(error: Error): void {
    this.stream.destroy();
    this.#finish(error);
  }

  /** Reports an error now, while what was written is still sent. */
  protected failAfterSending(error: Error): void {
    this.#finish(error);
    this.#end();
    this.#destroyAfter(lastWordsMs);
  }

  protected error(
    code: number,
    detail: string,
    more: Pick<MicroErrorFields, "reason" | "cause"> = {},
  ): MicroError {
    return new MicroError({ id: this.#id, code, detail, ...more });
  }

  protected lost(cause?: Error): MicroError {
    const why = cause === undefined ? "unexpected EOF" : (tlsProblem(cause) ?? cause.message);
    const reason = "connection-lost";
    return this.error(500, `connection to ${this.remote} lost: ${why}`, { reason, cause });
  }

  #peerEnded(): void {
    if (this.#closed) return;
    try {
      this.parser.end();
    } catch {
      this.fail(this.lost());
      return;
    }
    // In mucp the end of sending is the end of the connection; what was handed over still goes out.
    this.#finish(this.ended());
    this.#end();
    this.#destroyAfter(lastWordsMs);
  }

  /** Sends what waits and closes the sending side first, so that no reset overtakes what was sent. */
  #end(): void {
    const { stream } = this;
    this.parser.stop();
    this.#flush();
    stream.end(() => this.#destroyAfter(lingerMs));
    stream.resume();
  }

  #destroyAfter(ms: number): void {
    const { stream } = this;
    if (stream.destroyed) return;
    const timer = setTimeout(() => stream.destroy(), ms);
    timer.unref();
    stream.once("close", () => clearTimeout(timer));
  }

  #flush(): void {
    if (this.#waiting === "") return;
    const bytes = this.#waiting;
    this.#waiting = "";
    if (this.stream.writable) this.stream.write(bytes, "latin1");
  }

  #drained(): void {
    if (!this.#drainOwed || this.#closed) return;
    this.#drainOwed = false;
    this.#events?.drain?.();
  }

  /** The last event. */
  #finish(error?: Error): void {
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    this.parser.stop();
    events?.close(error);
  }
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
