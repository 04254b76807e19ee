/**
 * Snappy's block format (`format_description.txt` of google/snappy): the length of the whole as a varint, then
 * literals and copies of what came before. Why not a package: docs/decisions/0321-snappy.md.
 */

/** Copies reach this far back at most, so that two bytes name the distance. */
const blockLength = 1 << 16;
const hashBits = 14;
/** The last bytes of a block are always a literal, so that four can be read anywhere before. */
const margin = 15;

/**
 * @throws RangeError when the bytes are not snappy, or stand for more than `maxLength`; before anything of
 *   that length is allocated
 */
export function snappyDecompress(bytes: Uint8Array, maxLength: number): Buffer {
  const [length, start] = readLength(bytes);
  if (length > maxLength) throw new RangeError(`${length} bytes, and ${maxLength} are the limit`);
  // Nothing makes more of a byte than a copy, which makes 64 of three.
  if (length > bytes.length * 22) throw corrupt("it is too short for its length");
  const out = Buffer.allocUnsafe(length);
  let from = start;
  let to = 0;
  while (from < bytes.length) {
    const tag = bytes[from++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      let size = (tag >>> 2) + 1;
      if (size > 60) {
        const more = size - 60;
        size = readLittleEndian(bytes, from, more) + 1;
        from += more;
      }
      if (size > bytes.length - from || size > length - to) throw corrupt("a literal is too long");
      if (size > 60) {
        out.set(bytes.subarray(from, from + size), to);
        from += size;
        to += size;
      } else for (const end = to + size; to < end; ) out[to++] = bytes[from++] as number;
      continue;
    }
    const width = kind === 3 ? 4 : kind;
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const distance = readLittleEndian(bytes, from, width) + (kind === 1 ? (tag >>> 5) << 8 : 0);
    from += width;
    if (distance === 0 || distance > to) throw corrupt("a copy reaches before the beginning");
    if (size > length - to) throw corrupt("a copy is too long");
    // Byte by byte: a copy that is longer than its distance reads what it has just written.
    for (const end = to + size; to < end; to++) out[to] = out[to - distance] as number;
  }
  if (to !== length) throw corrupt("it ends too early");
  return out;
}

export function snappyCompress(bytes: Uint8Array): Buffer {
  // A literal needs at most one tag of 3 bytes for 65536, and there are few; the format's own bound is this.
  const out = Buffer.allocUnsafe(32 + bytes.length + Math.ceil(bytes.length / 6));
  let to = writeLength(out, bytes.length);
  const table = new Uint16Array(1 << hashBits);
  for (let block = 0; block < bytes.length; block += blockLength) {
    const end = Math.min(block + blockLength, bytes.length);
    to = compressBlock(bytes, block, end, out, to, table.fill(0));
  }
  return out.subarray(0, to);
}

/** @param table hash of four bytes → where they were last, from the beginning of the block */
function compressBlock(
  bytes: Uint8Array,
  block: number,
  end: number,
  out: Buffer,
  start: number,
  table: Uint16Array,
): number {
  let to = start;
  let literal = block;
  const last = end - margin;
  // The longer nothing repeats, the larger the steps: what can't be compressed is passed over quickly.
  for (let at = block + 1, misses = 32; at < last; at += misses++ >>> 5) {
    const four = read32(bytes, at);
    const hash = Math.imul(four, 0x1e35a7bd) >>> (32 - hashBits);
    const candidate = block + (table[hash] as number);
    table[hash] = at - block;
    if (candidate >= at || read32(bytes, candidate) !== four) continue;
    to = writeLiteral(bytes, literal, at, out, to);
    let size = 4;
    while (at + size < end && bytes[candidate + size] === bytes[at + size]) size++;
    to = writeCopy(out, to, at - candidate, size);
    at += size;
    literal = at;
    at--;
    misses = 32;
  }
  return writeLiteral(bytes, literal, end, out, to);
}

function writeLiteral(bytes: Uint8Array, from: number, end: number, out: Buffer, start: number): number {
  const size = end - from;
  if (size === 0) return start;
  let to = start;
  const n = size - 1;
  if (n < 60) out[to++] = n << 2;
  else if (n < 256) {
    out[to++] = 60 << 2;
    out[to++] = n;
  } else {
    out[to++] = 61 << 2;
    out[to++] = n & 0xff;
    out[to++] = n >>> 8;
  }
  out.set(bytes.subarray(from, end), to);
  return to + size;
}

/** Copies are at most 64 long; the last one is never shorter than 4. */
function writeCopy(out: Buffer, start: number, distance: number, length: number): number {
  let to = start;
  let left = length;
  while (left > 0) {
    const size = left > 64 ? (left < 68 ? 60 : 64) : left;
    if (size >= 4 && size < 12 && distance < 2048) {
      out[to++] = 1 | ((size - 4) << 2) | ((distance >>> 8) << 5);
      out[to++] = distance & 0xff;
    } else {
      out[to++] = 2 | ((size - 1) << 2);
      out[to++] = distance & 0xff;
      out[to++] = distance >>> 8;
    }
    left -= size;
  }
  return to;
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function readLittleEndian(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw corrupt("it is cut off");
  let value = 0;
  for (let n = width - 1; n >= 0; n--) value = value * 256 + (bytes[at + n] as number);
  return value;
}

function readLength(bytes: Uint8Array): [length: number, start: number] {
  let length = 0;
  for (let n = 0; n < 5; n++) {
    const byte = bytes[n];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80 && length < 2 ** 32) return [length, n + 1];
  }
  throw corrupt("it has no valid length");
}

function writeLength(out: Buffer, length: number): number {
  let to = 0;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) out[to++] = (rest & 0x7f) | 0x80;
  out[to++] = rest;
  return to;
}

function corrupt(why: string): RangeError {
  return new RangeError(`this is not snappy: ${why}`);
}
