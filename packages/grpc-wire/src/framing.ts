import { GrpcError, statusCode } from "./status.ts";

/** Flag and length before each message. */
const prefixLength = 5;

/** One message as it stands in the stream: a flag, its length as four big-endian bytes, itself. */
export function encodeFrame(payload: Uint8Array, compressed: boolean): Buffer {
  const frame = Buffer.allocUnsafe(prefixLength + payload.length);
  frame[0] = compressed ? 1 : 0;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, prefixLength);
  return frame;
}

/** Cuts what arrives into messages, however the network has cut it. */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #message: (payload: Buffer, compressed: boolean) => void;
  /** What has arrived and is no whole message yet. */
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** How many of them are needed before looking again. */
  #wanted = prefixLength;

  /** @param maxBytes the longest message that is taken, without its prefix */
  constructor(maxBytes: number, message: (payload: Buffer, compressed: boolean) => void) {
    this.#maxBytes = maxBytes;
    this.#message = message;
  }

  /** The stream may not end here. */
  get incomplete(): boolean {
    return this.#bytes > 0;
  }

  /**
   * Gives the messages that are whole now. Nothing that is announced is allocated before it has arrived.
   * @throws GrpcError 8 for a message beyond the limit, 13 for a flag that there is none. Nothing may follow then.
   */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) {
      if (chunk.length > 0) this.#chunks.push(chunk);
      return;
    }
    const bytes = this.#chunks.length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk], this.#bytes);
    let at = 0;
    this.#wanted = prefixLength;
    while (bytes.length - at >= prefixLength) {
      const end = at + prefixLength + this.#lengthAt(bytes, at);
      if (end > bytes.length) {
        this.#wanted = end - at;
        break;
      }
      this.#message(bytes.subarray(at + prefixLength, end), bytes[at] === 1);
      at = end;
    }
    this.#bytes = bytes.length - at;
    this.#chunks = this.#bytes === 0 ? [] : [bytes.subarray(at)];
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const flag = bytes[at] as number;
    if (flag > 1) {
      throw new GrpcError({
        code: statusCode.internal,
        message: `grpc: received unexpected payload format ${flag}`,
      });
    }
    const length = bytes.readUInt32BE(at + 1);
    if (length > this.#maxBytes) {
      throw new GrpcError({
        code: statusCode.resourceExhausted,
        message: `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
      });
    }
    return length;
  }
}
