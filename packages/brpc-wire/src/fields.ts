/**
 * Protobuf's wire format, as far as RpcMeta needs it: varints, texts and bytes, nested messages. Fields that
 * nobody asks for are skipped, whatever their type (docs/decisions/0320-meta-by-hand.md).
 */

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** Protobuf's own limit for messages and groups within each other. */
const deepestGroup = 100;

/** Reads the fields of one message in their order. Every method throws a RangeError for bytes that are no message. */
export class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;
  #wireType = 0;
  /** Halves of the last varint, unsigned. */
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Number of the next field, or 0 at the end. Its value has to be read or skipped before the next one. */
  next(): number {
    if (this.#at === this.#bytes.length) return 0;
    this.#wireType = this.#tag() & 7;
    return this.#low >>> 3;
  }

  /** The value when it is a varint. One of another type is skipped, as protobuf does, and gives `undefined`. */
  int64(): bigint | undefined {
    if (!this.#is(wireTypes.varint)) return undefined;
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low);
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low);
  }

  /** Longer values are cut to 32 bits. */
  int32(): number | undefined {
    if (!this.#is(wireTypes.varint)) return undefined;
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean | undefined {
    if (!this.#is(wireTypes.varint)) return undefined;
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** A part of the message's own bytes, not a copy. */
  bytes(): Buffer | undefined {
    if (!this.#is(wireTypes.bytes)) return undefined;
    return this.#take(this.#length());
  }

  /** What is no UTF-8 becomes U+FFFD: proto2 does not check it. */
  text(): string | undefined {
    return this.bytes()?.toString();
  }

  skip(): void {
    this.#skip(this.#wireType, 0);
  }

  #is(wireType: number): boolean {
    if (this.#wireType === wireType) return true;
    this.skip();
    return false;
  }

  #skip(wireType: number, depth: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.#varint();
        return;
      case wireTypes.fixed64:
        this.#take(8);
        return;
      case wireTypes.bytes:
        this.#take(this.#length());
        return;
      case wireTypes.fixed32:
        this.#take(4);
        return;
      case wireTypes.groupStart:
        this.#skipGroup(depth + 1);
        return;
      default:
        throw new RangeError(`a field has the wire type ${wireType}`);
    }
  }

  #skipGroup(depth: number): void {
    const field = this.#low >>> 3;
    if (depth > deepestGroup) throw new RangeError(`groups are nested more than ${deepestGroup} deep`);
    for (let tag = this.#tag(); (tag & 7) !== wireTypes.groupEnd; tag = this.#tag())
      this.#skip(tag & 7, depth);
    if (this.#low >>> 3 !== field) throw new RangeError("a group has another's end");
  }

  /** Field number and wire type, also left in `#low`. */
  #tag(): number {
    this.#varint();
    if (this.#high !== 0 || this.#low >>> 3 === 0) throw new RangeError("a field has no valid number");
    return this.#low;
  }

  #length(): number {
    this.#varint();
    if (this.#high !== 0) throw new RangeError("a length is beyond 4 GiB");
    return this.#low;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("a field reaches beyond the end");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Up to ten bytes of seven bits each; what is beyond 64 bits is dropped. */
  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError("a number is cut off");
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x7f) << 28;
        high = (byte & 0x7f) >>> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw new RangeError("a number has more than ten bytes");
  }
}

/** Writes a message into a buffer that grows as needed. Each method writes one whole field. */
export class FieldWriter {
  #bytes: Buffer;
  #at: number;

  /** @param reserved bytes left free in front of the message */
  constructor(reserved = 0) {
    this.#bytes = Buffer.allocUnsafe(512);
    this.#at = reserved;
  }

  /** Starts again, in the same buffer. */
  reset(reserved: number): void {
    this.#at = reserved;
  }

  /** What was written, the reserved bytes included. Valid until the next `reset`. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  int64(field: number, value: bigint): void {
    this.#room(20);
    this.#varint(field << 3);
    if (value >= 0n && value <= 0x7fff_ffffn) {
      this.#varint(Number(value));
      return;
    }
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#at++] = Number(rest);
  }

  int32(field: number, value: number): void {
    // A negative number is extended to 64 bits.
    if (value < 0) {
      this.int64(field, BigInt(value));
      return;
    }
    this.#room(20);
    this.#varint(field << 3);
    this.#varint(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#room(20 + value.length);
    this.#varint((field << 3) | wireTypes.bytes);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#room(20 + length);
    this.#varint((field << 3) | wireTypes.bytes);
    this.#varint(length);
    this.#at += this.#bytes.write(value, this.#at);
  }

  /** A nested message: what `write` writes. */
  message(field: number, write: () => void): void {
    this.#room(20);
    this.#varint((field << 3) | wireTypes.bytes);
    // Most lengths fit one byte; room for a longer one is made afterwards.
    const start = ++this.#at;
    write();
    const length = this.#at - start;
    const more = Math.ceil((32 - Math.clz32(length | 1)) / 7) - 1;
    if (more > 0) {
      this.#room(more);
      this.#bytes.copyWithin(start + more, start, this.#at);
    }
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
