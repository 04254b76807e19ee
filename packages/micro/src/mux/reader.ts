import { ByteCollector } from "../transport/byte-collector.ts";
import { BadFrame, Line } from "./line.ts";

/** Takes each frame: the character code of its first letter, and the fields behind it. */
export type OnFrame = (letter: number, line: Line) => void;

interface Waiting {
  readonly text: string;
  readonly bytes: ByteCollector;
  readonly count: number;
}

/** Longest line. Longer bodies are counted. */
const maxLineBytes = 256 * 1024;

/**
 * Cuts what arrives into frames. A frame is a line of ASCII; when its last field is `*n`, n bytes of any kind follow the
 * line, which are its body. A body that is longer than allowed is passed over, and the frame says so.
 *
 * Each chunk becomes one string, of which lines and fields are slices: a call to a `Buffer` for each field would
 * cost more than everything else.
 */
export class FrameReader {
  readonly #line = new Line();
  readonly #onFrame: OnFrame;
  readonly #maxBodyBytes: number;
  /** The beginning of a line whose end has not come. */
  #partial: ByteCollector | undefined;
  /** Bytes of a body that is too long, still to come. */
  #skipping = 0;
  /** A frame whose counted bytes have not come completely. */
  #waiting: Waiting | undefined;

  constructor(onFrame: OnFrame, maxBodyBytes: number) {
    this.#onFrame = onFrame;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** @throws BadFrame for bytes that are no frames. Nothing may be read after that. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skipping > 0) at = this.#skip(chunk, at);
      else if (this.#waiting !== undefined) at = this.#completeBody(chunk, at);
      else if (this.#partial !== undefined) at = this.#completeLine(chunk, at);
      else at = this.#lines(chunk, at);
    }
  }

  /** All lines from `at` on that are complete. */
  #lines(chunk: Buffer, at: number): number {
    const text = chunk.toString("latin1", at);
    let start = 0;
    while (start < text.length) {
      const end = text.indexOf("\n", start);
      if (end === -1) {
        this.#partial = new ByteCollector();
        this.#extend(this.#partial, chunk.subarray(at + start));
        return chunk.length;
      }
      const count = countAtEnd(text, start, end);
      if (count === -1) {
        this.#frame(text, start, end, undefined);
        start = end + 1;
        continue;
      }
      const from = at + end + 1;
      if (from + count > chunk.length || count > this.#maxBodyBytes) {
        this.#begin(text.slice(start, end), count);
        return from;
      }
      this.#frame(text, start, end, Buffer.from(chunk.subarray(from, from + count)));
      start = end + 1 + count;
    }
    return chunk.length;
  }

  #completeLine(chunk: Buffer, at: number): number {
    const partial = this.#partial as ByteCollector;
    const end = chunk.indexOf(lineFeed, at);
    this.#extend(partial, chunk.subarray(at, end === -1 ? chunk.length : end));
    if (end === -1) return chunk.length;
    this.#partial = undefined;
    const bytes = partial.take();
    const text = bytes.toString("latin1");
    const count = countAtEnd(text, 0, text.length);
    if (count === -1) this.#frame(text, 0, text.length, undefined);
    else this.#begin(text, count);
    return end + 1;
  }

  #completeBody(chunk: Buffer, at: number): number {
    const waiting = this.#waiting as Waiting;
    const stop = Math.min(chunk.length, at + waiting.count - waiting.bytes.length);
    waiting.bytes.append(chunk.subarray(at, stop));
    if (waiting.bytes.length === waiting.count) {
      this.#waiting = undefined;
      this.#frame(waiting.text, 0, waiting.text.length, waiting.bytes.take());
    }
    return stop;
  }

  #skip(chunk: Buffer, at: number): number {
    const stop = Math.min(chunk.length, at + this.#skipping);
    this.#skipping -= stop - at;
    return stop;
  }

  /** A frame has come up to its counted bytes. */
  #begin(text: string, count: number): void {
    if (count > this.#maxBodyBytes) {
      this.#skipping = count;
      this.#line.oversize = count;
      this.#frame(text, 0, text.length, noBytes);
    } else if (count === 0) this.#frame(text, 0, text.length, noBytes);
    else this.#waiting = { text, bytes: new ByteCollector(count), count };
  }

  #extend(partial: ByteCollector, piece: Buffer): void {
    partial.append(piece);
    if (partial.length > maxLineBytes) throw new BadFrame(`a line of more than ${maxLineBytes} bytes`);
  }

  /** @param bytes what was counted behind the line, if its body is not in it */
  #frame(text: string, start: number, end: number, bytes: Buffer | undefined): void {
    const line = this.#line;
    line.text = text;
    line.at = start + 1;
    line.end = bytes === undefined ? end : text.lastIndexOf("*", end);
    line.bytes = bytes;
    this.#onFrame(start === end ? lineFeed : text.charCodeAt(start), line);
    // Nothing that is over should be kept by what waits for the next frame.
    line.text = "";
    line.bytes = undefined;
    line.oversize = 0;
  }
}

const noBytes = Buffer.alloc(0);
const lineFeed = 0x0a;
const space = 0x20;
const star = 0x2a;

/** The n of a last field `*n`, -1 when the line ends otherwise. No JSON text ends so. */
function countAtEnd(text: string, start: number, end: number): number {
  let at = end - 1;
  let count = 0;
  for (let scale = 1; at > start && scale < 1e15; at--, scale *= 10) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    count += digit * scale;
  }
  const isCount = at < end - 1 && at > start && text.charCodeAt(at) === star;
  return isCount && text.charCodeAt(at - 1) === space ? count : -1;
}
