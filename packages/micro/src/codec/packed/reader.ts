import { KnownShapes, newPlace, newSparse, type Place, type Shape } from "./shape.ts";
import {
  absent,
  deepest,
  float,
  headBytes,
  latin1,
  mostRecords,
  no,
  nothing,
  types,
  utf16,
  yes,
} from "./wire.ts";

/**
 * V8 copies a part of a string up to this length. Of a longer one it keeps the whole: all texts of a body would stay in memory
 * for as long as somebody keeps one of them.
 */
const copiedLength = 12;

const noBytes = Buffer.alloc(0);

/**
 * Makes a function that reads values, one after the other. It throws RangeError saying what is wrong with the bytes, and where.
 * It needs no more memory than a constant number of bytes for each byte that is there, whatever the bytes announce.
 */
export function newPackedReader(): (body: Uint8Array) => unknown {
  const known = new KnownShapes();
  let bytes: Buffer = noBytes;
  let at = 0;
  /** Where the values end and the texts begin. */
  let end = 0;
  let encoding: "latin1" | "utf16le" = "latin1";
  /** All texts, one behind the other, and where the next one begins. */
  let texts = "";
  let textAt = 0;
  /** The records that the body has defined. */
  let records: Shape[] = [];

  return (body) => {
    open(body);
    try {
      const value = readValue(known.root, 0);
      if (at !== end || textAt !== texts.length) throw wrong("there is more behind the value");
      return value === undefined ? null : value;
    } finally {
      bytes = noBytes;
      texts = "";
      records = [];
    }
  };

  function open(body: Uint8Array): void {
    bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    at = 0;
    end = bytes.length < headBytes ? 0 : headBytes + bytes.readUInt32BE(1);
    if (end === 0 || end > bytes.length) throw wrong("an end within the values");
    const isWide = bytes[0] === utf16;
    if ((!isWide && bytes[0] !== latin1) || (isWide && (bytes.length - end) % 2 !== 0)) {
      throw wrong(`texts of the kind ${bytes[0]} in ${bytes.length - end} bytes`);
    }
    encoding = isWide ? "utf16le" : "latin1";
    texts = bytes.toString(encoding, end);
    textAt = 0;
    at = headBytes;
  }

  /** `undefined` for a member that is not there. */
  function readValue(place: Place, depth: number): unknown {
    const head = readByte();
    switch (head & 0xe0) {
      case types.positive:
        return readNumber(head);
      case types.negative:
        return -1 - readNumber(head);
      case types.text:
        return readText(readNumber(head));
      case types.array:
        return readArray(readNumber(head), place, depth);
      case types.record:
        return readRecord(readNumber(head), place, depth);
      case types.table:
        return readTable(readNumber(head), depth);
      default:
        return readSimple(head);
    }
  }

  function readArray(count: number, place: Place, depth: number): unknown[] {
    enter(count, depth);
    const items: unknown[] = [];
    for (let index = 0; index < count; index++) {
      const item = readValue(place, depth + 1);
      items.push(item === undefined ? null : item);
    }
    return items;
  }

  function readRecord(id: number, place: Place, depth: number): object {
    const { names, places, hasIndex } = records[id] ?? define(id, place);
    enter(names.length, depth);
    const object: Record<string, unknown> = hasIndex ? newSparse() : {};
    for (let index = 0; index < names.length; index++) {
      const value = readValue(places[index] as Place, depth + 1);
      if (value !== undefined) set(object, names[index] as string, value);
    }
    return object;
  }

  function define(id: number, place: Place): Shape {
    if (id !== records.length || id >= mostRecords) throw wrong(`the record ${id}, which is not defined`);
    const length = readTextHead();
    let { shape } = place;
    if (shape?.text.length === length && texts.startsWith(shape.text, textAt)) textAt += length;
    else {
      shape = known.written(readText(length));
      if (shape === undefined) throw wrong("a record of too many names");
      place.shape = shape;
    }
    records.push(shape);
    return shape;
  }

  function readTable(count: number, depth: number): object {
    enter(2 * count, depth);
    const place = newPlace();
    const object = newSparse();
    for (let index = 0; index < count; index++) {
      const name = readText(readTextHead());
      const value = readValue(place, depth + 1);
      if (value !== undefined) set(object, name, value);
    }
    return object;
  }

  function readTextHead(): number {
    const head = readByte();
    if ((head & 0xe0) !== types.text) throw wrong("a name that is no text");
    return readNumber(head);
  }

  function readText(length: number): string {
    const start = textAt;
    textAt += length;
    if (textAt > texts.length) throw wrong("an end within a text");
    if (length <= copiedLength) return texts.slice(start, textAt);
    if (length <= 2 * copiedLength) {
      return texts.slice(start, start + copiedLength) + texts.slice(start + copiedLength, textAt);
    }
    const width = encoding === "latin1" ? 1 : 2;
    return bytes.toString(encoding, end + width * start, end + width * textAt);
  }

  function readSimple(head: number): unknown {
    switch (head) {
      case no:
        return false;
      case yes:
        return true;
      case nothing:
        return null;
      case absent:
        return undefined;
      case float: {
        const value = bytes.readDoubleBE(pass(8));
        return Number.isFinite(value) ? value : null;
      }
      default:
        throw wrong(`a value that begins with ${head}`);
    }
  }

  /** The number that goes with a type: in the head, or behind it. */
  function readNumber(head: number): number {
    const number = head & 0x1f;
    switch (number) {
      case 28:
        return readByte();
      case 29:
        return bytes.readUInt16BE(pass(2));
      case 30:
        return bytes.readUInt32BE(pass(4));
      case 31: {
        const from = pass(8);
        return bytes.readUInt32BE(from) * 0x1_0000_0000 + bytes.readUInt32BE(from + 4);
      }
      default:
        return number;
    }
  }

  function readByte(): number {
    if (at >= end) throw wrong("an end within a value");
    return bytes[at++] as number;
  }

  /** Where so many bytes begin, which are behind us then. */
  function pass(length: number): number {
    if (length > end - at) throw wrong("an end within a value");
    at += length;
    return at - length;
  }

  /** What follows are so many values, each of at least a byte. */
  function enter(count: number, depth: number): void {
    if (depth >= deepest) throw wrong(`more than ${deepest} levels`);
    if (count > end - at) throw wrong("an end within a value");
  }

  function wrong(what: string): RangeError {
    return new RangeError(`${what}, at byte ${at}`);
  }
}

function set(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
