import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { type Body, ByteText } from "./body.ts";
import { BadFrame, type Line } from "./line.ts";
import { FrameReader } from "./reader.ts";

/** The first line that each side sends; the client's is how a listener knows the protocol. */
export const preface = "ts-micro-mux/1";

const firstLine = Buffer.from(`${preface}\n`);

/** Whether a client whose first bytes these are speaks mux; `undefined` while they are too few. */
export function startsWithPreface(bytes: Uint8Array): boolean | undefined {
  const length = Math.min(bytes.length, firstLine.length);
  if (firstLine.compare(bytes, 0, length, 0, length) !== 0) return false;
  return bytes.length >= firstLine.length ? true : undefined;
}

/** Offered by ALPN where TLS is used. */
export const alpn = [preface] as const;

/** Bytes that may wait to be sent before whoever fills the connection is told to wait. */
const highWaterBytes = 1024 * 1024;

/** A body as long as this, in bytes, is no part of the line and goes out as it is. */
const ownWriteBytes = 16 * 1024;

/**
 * Where so many frames leave in a turn, the peer begins with the first while the others are being made: otherwise both
 * sides wait for each other in turns, and half of two processors is idle.
 */
const framesPerWrite = 32;

/** How long a connection that is probed may go on saying nothing, in milliseconds. */
const silenceMs = 5_000;

export interface LinkEvents {
  frame(letter: number, line: Line): void;
  /** All frames that have come by now were given. */
  caughtUp?(): void;
  /** The link was congested, and may be used freely again. */
  drain(): void;
  /** Exactly once, last. With an error when the peer did not close properly. */
  closed(error?: Error): void;
}

/** What waits for a frame to leave. */
export interface Leaving {
  /** The frame is in the system's hands; with an error, it never will be. Exactly once. */
  left(error?: Error | null): void;
}

export interface LinkOptions {
  /** Longest body of a frame that is accepted, in bytes. */
  maxBodyBytes: number;
  /**
   * Frames leave at the end of the turn of the event loop, behind the callbacks of all sockets, timers and immediates. Otherwise
   * they do behind the present callback, which is sooner and makes more writes. @default false
   */
  wholeTurn?: boolean;
}

/**
 * One connection of the multiplexed protocol (docs/protocol-mux.md), at either end: frames in and out. What is
 * written in one turn of the event loop leaves in one write, or in a few when it is much.
 */
export class Link {
  /** When something was last received, on the clock of `performance.now()`. Frames of one chunk share it. */
  heardAt = performance.now();
  readonly #socket: Duplex;
  readonly #events: LinkEvents;
  readonly #reader: FrameReader;
  /** Written in this turn: text, joined once, for a string that grows is put together from as many parts at its end. */
  #texts: string[] = [];
  #frames = 0;
  readonly #wholeTurn: boolean;
  /** What goes out before it. Large bodies cut the text into pieces. */
  #pieces: (string | Uint8Array)[] = [];
  /** Told when that has left. */
  #leaving: Leaving[] = [];
  #flushing = false;
  #greeted = false;
  #strange = false;
  #congested = false;
  #probing: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(socket: Duplex, events: LinkEvents, options: LinkOptions) {
    this.#socket = socket;
    this.#events = events;
    this.#wholeTurn = options.wholeTurn ?? false;
    this.#reader = new FrameReader((letter, line) => this.#frame(letter, line), options.maxBodyBytes);
    let failure: Error | undefined;
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#drained());
    // The peer sends no more, so nothing here can still be answered.
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.#closed = true;
      clearTimeout(this.#probing);
      events.closed(failure);
    });
    this.write(`${preface}\n`);
  }

  /** Much is waiting to be sent: wait for `drain`. Frames are taken in either case. */
  get congested(): boolean {
    return this.#congested;
  }

  /** The peer began with something else than the preface: nothing that was sent to it was understood. */
  get strange(): boolean {
    return this.#strange;
  }

  /** Sends one frame without a body, line feed included. */
  write(frame: string, leaving?: Leaving): void {
    this.#texts.push(frame);
    if (leaving !== undefined) this.#leaving.push(leaving);
    this.#written();
  }

  /**
   * Sends a frame: `fields` end in a space. Text that is ASCII, as almost all JSON is, is made bytes by the socket only.
   * @param size of the body in bytes, where that is known
   */
  send(fields: string, body: Body, size?: number): void {
    if (typeof body !== "string") this.#sendCounted(fields, body instanceof ByteText ? body.text : body);
    else if ((size ?? Buffer.byteLength(body)) !== body.length) this.#sendCounted(fields, Buffer.from(body));
    else if (body.length >= ownWriteBytes || !isLine(body)) this.#sendCounted(fields, body);
    else {
      this.#texts.push(fields, body, "\n");
      this.#written();
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Asks whether anybody is there. Whatever comes is an answer; if nothing does, the connection is destroyed. */
  probe(): void {
    if (this.#probing !== undefined || this.#closed) return;
    this.write("p\n");
    this.#probing = setTimeout(() => {
      this.destroy(new Error(`the connection is dead: nothing came within ${silenceMs} ms of a question`));
    }, silenceMs);
    this.#probing.unref();
  }

  /** Sends what was handed over, then closes. */
  end(): void {
    this.#flush();
    this.#socket.end();
  }

  /** Closes at once; what was not sent is lost. */
  destroy(error?: Error): void {
    this.#texts = [];
    this.#pieces = [];
    this.#takeLeaving()?.(error ?? new Error("the connection has ended"));
    this.#socket.destroy(error);
  }

  /** @param body of text, each character is a byte */
  #sendCounted(fields: string, body: string | Uint8Array): void {
    this.write(`${fields}*${body.length}\n`);
    if (body.length < ownWriteBytes) {
      this.#texts.push(
        typeof body === "string"
          ? body
          : Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"),
      );
      return;
    }
    const text = this.#takeText();
    if (text !== "") this.#pieces.push(text);
    this.#pieces.push(body);
  }

  /** One more frame is to leave. */
  #written(): void {
    if (!this.#flushing) this.#flushLater();
    else if (++this.#frames >= framesPerWrite) this.#writeOut();
  }

  #takeText(): string {
    const text = this.#texts.join("");
    this.#texts = [];
    return text;
  }

  /** After everything that this turn does, the continuations of promises included. */
  #flushLater(): void {
    this.#flushing = true;
    if (this.#wholeTurn) setImmediate(() => this.#flush());
    else queueMicrotask(() => process.nextTick(() => this.#flush()));
  }

  #flush(): void {
    this.#flushing = false;
    this.#writeOut();
  }

  #writeOut(): void {
    this.#frames = 0;
    const pieces = this.#pieces;
    const text = this.#takeText();
    const onLeft = this.#takeLeaving();
    if (this.#closed || this.#socket.writableEnded) {
      onLeft?.(new Error("the connection has ended"));
      return;
    }
    if (pieces.length > 0) {
      this.#pieces = [];
      if (text !== "") pieces.push(text);
      const last = pieces.pop() as string | Uint8Array;
      this.#socket.cork();
      for (const piece of pieces) this.#writePiece(piece);
      this.#writePiece(last, onLeft);
      this.#socket.uncork();
    } else if (text !== "") this.#writePiece(text, onLeft);
    if (this.#socket.writableLength > highWaterBytes) this.#congested = true;
  }

  #writePiece(piece: string | Uint8Array, onLeft?: (error?: Error | null) => void): void {
    if (typeof piece === "string") this.#socket.write(piece, "latin1", onLeft);
    else this.#socket.write(piece, onLeft);
  }

  /** Tells all that wait for this turn's frames, if any do. */
  #takeLeaving(): ((error?: Error | null) => void) | undefined {
    const leaving = this.#leaving;
    if (leaving.length === 0) return undefined;
    this.#leaving = [];
    return (error) => {
      for (const each of leaving) each.left(error);
    };
  }

  #drained(): void {
    if (!this.#congested) return;
    this.#congested = false;
    this.#events.drain();
  }

  #received(chunk: Buffer): void {
    this.heardAt = performance.now();
    if (this.#probing !== undefined) {
      clearTimeout(this.#probing);
      this.#probing = undefined;
    }
    try {
      this.#reader.push(chunk);
      this.#events.caughtUp?.();
    } catch (thrown) {
      const why = thrown instanceof BadFrame ? thrown.message : String(thrown);
      this.destroy(new Error(`the peer doesn't speak ${preface} as it should: ${why}`, { cause: thrown }));
    }
  }

  #frame(letter: number, line: Line): void {
    if (this.#closed || this.#socket.destroyed) return;
    if (!this.#greeted) {
      this.#strange = line.text.slice(line.at - 1, line.end) !== preface;
      if (this.#strange) throw new BadFrame("it doesn't begin with the preface");
      this.#greeted = true;
    } else if (letter === ping) this.write("o\n");
    else if (letter !== pong) this.#events.frame(letter, line);
  }
}

/** Whether it can be the end of a line, as all JSON can that is written without line feeds: `*5` would be a count. */
function isLine(text: string): boolean {
  if (text.includes("\n")) return false;
  const last = text.charCodeAt(text.length - 1);
  return !(last >= 0x30 && last <= 0x39 && /(^| )\*\d+$/.test(text));
}

const ping = "p".charCodeAt(0);
const pong = "o".charCodeAt(0);
