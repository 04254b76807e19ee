/**
 * baidu_std's frames: `PRPC`, the length of the body, the length of the meta in it (both 32 bits, big-endian),
 * then the body: meta, payload, attachment (`docs/cn/baidu_std.md` of apache/brpc).
 */
import { MicroError } from "ts-micro";
import { FieldWriter } from "./fields.ts";
import { type RpcMeta, writeMeta } from "./meta.ts";

export const headerLength = 12;

/** `PRPC` as a number. */
const magic = 0x50525043;

export interface Frame {
  /** An encoded RpcMeta. */
  readonly meta: Buffer;
  /** Payload and attachment. */
  readonly body: Buffer;
}

/** Shared by all frames: they are written one at a time, and copied from here. */
const writer = new FieldWriter();

/** The bytes of one frame. */
export function encodeFrame(meta: RpcMeta, payload: Uint8Array, attachment?: Uint8Array): Buffer {
  writer.reset(headerLength);
  writeMeta(writer, meta);
  const { written } = writer;
  const length = written.length + payload.length + (attachment?.length ?? 0);
  written.writeUInt32BE(magic, 0);
  written.writeUInt32BE(length - headerLength, 4);
  written.writeUInt32BE(written.length - headerLength, 8);
  const frame = Buffer.allocUnsafe(length);
  frame.set(written, 0);
  frame.set(payload, written.length);
  if (attachment !== undefined) frame.set(attachment, written.length + payload.length);
  return frame;
}

export interface FrameReaderOptions {
  /** Longest body accepted, in bytes. */
  maxBodyBytes: number;
  /**
   * Told of a frame whose meta would be longer than its body, which then is passed over: bRPC's servers do so.
   * @default such a frame is an error as any other
   */
  onSkipped?: (problem: string) => void;
}

/** Cuts the bytes of one connection into frames, however they arrive. Holds no more than one frame. */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  /** The beginning of a frame, in a buffer that grows with what has arrived, not with what was announced. */
  #waiting: Buffer = Buffer.alloc(0);
  #length = 0;
  /** How many bytes are needed to go on. */
  #needed = 0;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** True within a frame. */
  get midFrame(): boolean {
    return this.#length > 0;
  }

  /**
   * Calls `take` for each frame that is complete now. Its bytes are parts of `chunk` where possible.
   * @throws MicroError when these bytes are no frame; the reader is of no use afterwards
   */
  read(chunk: Buffer, take: (frame: Frame) => void): void {
    let bytes = chunk;
    if (this.#length > 0) {
      this.#append(chunk);
      if (this.#length < this.#needed) return;
      bytes = this.#waiting.subarray(0, this.#length);
      this.#waiting = Buffer.alloc(0);
      this.#length = 0;
    }
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left === 0) return;
      const needed = this.#frameLength(bytes, at, left);
      if (left < needed) {
        this.#needed = needed;
        this.#append(bytes.subarray(at));
        return;
      }
      const metaLength = bytes.readUInt32BE(at + 8);
      const start = at + headerLength;
      at += needed;
      if (metaLength <= needed - headerLength) {
        const end = start + metaLength;
        take({ meta: bytes.subarray(start, end), body: bytes.subarray(end, at) });
      } else {
        const problem = `the meta of ${metaLength} bytes is longer than the body of ${needed - headerLength}`;
        if (this.#options.onSkipped === undefined) throw notAFrame(problem);
        this.#options.onSkipped(problem);
      }
    }
  }

  /** Of the frame that begins at `at`, or as much as is needed to know. */
  #frameLength(bytes: Buffer, at: number, left: number): number {
    for (let n = 0; n < 4 && n < left; n++) {
      if (bytes[at + n] !== ((magic >>> (24 - 8 * n)) & 0xff)) {
        const start = JSON.stringify(bytes.toString("latin1", at, at + Math.min(left, 4)));
        throw notAFrame(`a frame of baidu_std begins with "PRPC", and this one with ${start}`);
      }
    }
    if (left < headerLength) return left < 4 ? 4 : headerLength;
    const length = bytes.readUInt32BE(at + 4);
    if (length > this.#options.maxBodyBytes) {
      const detail = `a frame of ${length} bytes, and maxBodyBytes is ${this.#options.maxBodyBytes}`;
      throw new MicroError({ id: "brpc", code: 413, detail, reason: "too-large" });
    }
    return headerLength + length;
  }

  #append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#waiting.length) {
      const wanted = Math.min(this.#needed, this.#waiting.length * 2);
      const grown = Buffer.allocUnsafe(Math.max(length, wanted));
      this.#waiting.copy(grown, 0, 0, this.#length);
      this.#waiting = grown;
    }
    this.#waiting.set(bytes, this.#length);
    this.#length = length;
  }
}

function notAFrame(detail: string): MicroError {
  return new MicroError({ id: "brpc", code: 400, detail, reason: "decode-failed" });
}
