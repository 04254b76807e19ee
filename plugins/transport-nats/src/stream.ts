import { Duplex } from "node:stream";
import type { Msg, Session } from "@ts-micro/nats-connection";
import { MicroError } from "ts-micro";
import type { End } from "./ends.ts";
import { transportErrorId } from "./options.ts";
import {
  brokenFrame,
  type Frame,
  following,
  headBytes,
  letters,
  newFrame,
  parseFrame,
  takenFrame,
} from "./stream-wire.ts";

export interface StreamSetup {
  session: Session;
  /** The subject on which the other end is, and the one on which this end is. */
  peer: string;
  own: string;
  local: string;
  remote: string;
  onClosed(): void;
}

/** Bytes on their way to a reader that has not taken them, before the writer waits. */
const windowBytes = 1024 * 1024;

/** A reader tells what it has taken in pieces of this size, in bytes. */
const takenBytes = windowBytes / 4;

/** Frames that may wait within the window: twice as many as calls of the shortest kind fill it with. */
const mostWaiting = 64 * 1024;

/** A shorter frame that has to wait is copied: it would keep all that the socket read with it. */
const copiedBytes = 4 * 1024;

/** Longer writes go in several messages, so that those of others find their way between them. */
const maxFrameBytes = 256 * 1024;

type Done = (error?: Error | null) => void;

/**
 * One end of a connection of bytes through NATS, for a protocol that brings its own frames. What was written in one go
 * is one message.
 */
export class NatsStream extends Duplex implements End {
  readonly local: string;
  readonly remote: string;
  readonly session: Session;
  readonly #setup: StreamSetup;
  readonly #peer: string;
  readonly #longest: number;
  /** What has come and the reader had no room for. */
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #wanted = false;
  /** The other end sends no more bytes; and the reader knows. */
  #ended = false;
  #told = false;
  /** The numbers of the next frames of bytes. */
  #sent = 0;
  #received = 0;
  /** Bytes that were sent and that the other end has not taken yet; what it had taken when it last said so. */
  #unread = 0;
  #confirmed = 0;
  /** All bytes that the reader has taken here, and what the other end was told of them. */
  #taken = 0;
  #takenTold = 0;
  /** What is written, as far as the window allows. */
  #waiting: { readonly bytes: Buffer; at: number; readonly done: Done } | undefined;
  #finished = false;

  constructor(setup: StreamSetup) {
    super();
    this.#setup = setup;
    this.session = setup.session;
    this.local = setup.local;
    this.remote = setup.remote;
    this.#peer = setup.peer;
    this.#longest = Math.min(maxFrameBytes, setup.session.maxPayload - headBytes);
  }

  /** What came for this end. */
  receive({ headers, data }: Msg): void {
    if (this.destroyed) return;
    if (headers?.code === 503) {
      this.lose(`nobody listens for ${this.remote} any more`);
      return;
    }
    const frame = Buffer.from(data.buffer, data.byteOffset, data.length);
    try {
      this.#take(parseFrame(frame));
    } catch (thrown) {
      const detail = `${this.remote} sent something that is not a frame: ${String(thrown)}`;
      this.destroy(MicroError.is(thrown) ? thrown : this.#error(500, detail));
    }
  }

  /** The connection to NATS, or the other end, is gone. */
  lose(why: string): void {
    this.#finished = true;
    this.#ended = true;
    this.destroy(this.#lost(why));
  }

  /** Repeats what was taken: the server tells when nobody is there to read it. */
  probe(): void {
    // When both have said all, the other end may well be gone while there is something to read here.
    if (!this.#finished || !this.#ended) this.#tellTaken();
  }

  close(): Promise<void> {
    this.destroy();
    return Promise.resolve();
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#waiting = { bytes: chunk, at: 0, done };
    this.#send();
  }

  override _writev(pieces: { chunk: Buffer }[], done: Done): void {
    this.#waiting = { bytes: Buffer.concat(pieces.map(({ chunk }) => chunk)), at: 0, done };
    this.#send();
  }

  override _final(done: Done): void {
    this.#finished = true;
    this.#publish(newFrame(letters.end, this.#nextNumber()));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // The other end reads no more than it has; nor does this one write what it may still have.
    if (!this.#finished || !this.#ended) {
      const detail = error === null ? "the other end broke it off" : MicroError.from(error).detail;
      this.#publish(brokenFrame({ code: 503, detail: `connection to ${this.local} lost: ${detail}` }));
    }
    this.#finished = true;
    this.#ended = true;
    this.#inbox = [];
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#setup.onClosed();
    // Without it Node would tell the writes behind this one nothing, either.
    waiting?.done(error ?? this.#lost("it was broken off before all was written"));
    done(error);
  }

  #take(frame: Frame): void {
    if (frame.kind === "bytes") {
      this.#expect(frame.number);
      this.#received = following(frame.number);
      if (this.#ended) throw new Error("bytes came behind the end");
      this.#inbox.push(
        this.#wanted || frame.bytes.length > copiedBytes ? frame.bytes : Buffer.from(frame.bytes),
      );
      this.#inboxBytes += frame.bytes.length;
      if (this.#inbox.length > mostWaiting) throw new Error("it sends too many small frames");
      // A frame may begin within the window and end beyond it.
      if (this.#inboxBytes > windowBytes + maxFrameBytes) throw new Error("it sends more than was allowed");
      this.#deliver();
    } else if (frame.kind === "end") {
      this.#expect(frame.number);
      this.#received = following(frame.number);
      if (this.#ended) throw new Error("it ended twice");
      this.#ended = true;
      this.#deliver();
    } else if (frame.kind === "taken") {
      this.#expect(frame.number);
      const bytes = following(frame.total, -this.#confirmed);
      if (bytes > this.#unread) throw new Error("more was taken than was sent");
      this.#unread -= bytes;
      this.#confirmed = frame.total;
      this.#send();
    } else if (frame.kind === "gone") {
      this.lose("the other end is gone");
    } else {
      const { code, detail } = frame.why;
      this.#finished = true;
      this.#ended = true;
      this.destroy(this.#error(code, detail, "connection-lost"));
    }
  }

  /** @throws MicroError 503 `connection-lost` */
  #expect(number: number): void {
    if (number !== this.#received)
      throw this.#lost(`frame ${number} came instead of ${this.#received}: one was lost`);
  }

  #nextNumber(): number {
    const number = this.#sent;
    this.#sent = following(number);
    return number;
  }

  #send(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const { bytes, done } = waiting;
    // What is published ends this when the connection to NATS is gone.
    while (!this.destroyed && waiting.at < bytes.length && this.#unread < windowBytes) {
      const size = Math.min(bytes.length - waiting.at, this.#longest);
      const frame = newFrame(letters.bytes, this.#nextNumber(), size);
      bytes.copy(frame, headBytes, waiting.at, waiting.at + size);
      waiting.at += size;
      this.#unread += size;
      this.#publish(frame);
    }
    if (this.destroyed || waiting.at < bytes.length) return;
    this.#waiting = undefined;
    done();
  }

  #deliver(): void {
    while (this.#wanted) {
      const bytes = this.#inbox.shift();
      if (bytes === undefined) break;
      this.#inboxBytes -= bytes.length;
      this.#taken = following(this.#taken, bytes.length);
      this.#wanted = this.push(bytes);
    }
    // Who has sent all waits for nothing.
    if (!this.#ended && following(this.#taken, -this.#takenTold) >= takenBytes) this.#tellTaken();
    if (this.#ended && this.#inbox.length === 0 && !this.#told) {
      this.#told = true;
      this.push(null);
    }
  }

  #tellTaken(): void {
    this.#takenTold = this.#taken;
    this.#publish(takenFrame(this.#sent, this.#taken));
  }

  #publish(payload: Uint8Array): void {
    try {
      // With a subject for answers the server tells when nobody listens.
      this.session.nats.publish(this.#peer, payload, { reply: this.#setup.own });
    } catch {
      if (!this.destroyed) this.lose("there is no connection to nats");
    }
  }

  #lost(why: string): MicroError {
    return this.#error(503, `connection to ${this.remote} lost: ${why}`, "connection-lost");
  }

  #error(code: number, detail: string, reason?: "connection-lost"): MicroError {
    return new MicroError({ id: transportErrorId, code, detail, ...(reason !== undefined && { reason }) });
  }
}
