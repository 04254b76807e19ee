import { kindOfValue } from "../failures.ts";
import { KnownShapes, newPlace, type Place, type Shape } from "./shape.ts";
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

/** Bytes to begin with, and bytes beyond which they are not kept. */
const usualBytes = 16 * 1024;
const mostBytes = 1024 * 1024;

/** More than a head and a number need. */
const margin = 32;

/** Both throw TypeError for what JSON can't write either, and for what is nested too deeply. */
export interface PackedWriter {
  /** In a buffer of its own. */
  bytes(value: unknown): Buffer;
  /** The same as text, a character for each byte: most of a body is text to begin with. */
  latin1(value: unknown): string;
}

/**
 * Makes what writes values, one after the other.
 *
 * What is written of a value is what `JSON.stringify` would write of it; its rules are ECMA-262's SerializeJSONProperty.
 */
export function newPackedWriter(): PackedWriter {
  const known = new KnownShapes();
  /** All texts, one behind the other. */
  let texts = "";
  /** Everything else. */
  let bytes = Buffer.allocUnsafeSlow(usualBytes);
  let at = 0;
  /** Number of the body that is written, and of the records that it has defined. */
  let body = 0;
  let records = 0;

  return {
    bytes: (value) => write(value, together),
    latin1: (value) => write(value, () => (isWide() ? together().toString("latin1") : togetherAsText())),
  };

  function write<Body>(value: unknown, finish: () => Body): Body {
    body++;
    records = 0;
    texts = "";
    at = 0;
    writeValue(value, known.root, absent, 0);
    if (at === 1 && bytes[0] === absent) throw new TypeError(`${kindOfValue(value)} has no JSON form`);
    const written = finish();
    texts = "";
    if (bytes.length > mostBytes) bytes = Buffer.allocUnsafeSlow(usualBytes);
    return written;
  }

  /** @param instead what is written for a value that JSON leaves out */
  function writeValue(value: unknown, place: Place, instead: number, depth: number): void {
    if (at > bytes.length - margin) enlarge();
    switch (typeof value) {
      case "string":
        writeText(value);
        break;
      case "number":
        writeNumber(value);
        break;
      case "boolean":
        bytes[at++] = value ? yes : no;
        break;
      case "object":
        if (value === null) bytes[at++] = nothing;
        else writeObject(value, place, instead, depth);
        break;
      case "bigint":
      case "function":
        if (hasToJson(value)) writeGiven(value.toJSON(""), place, instead, depth);
        else writeGiven(value, place, instead, depth);
        break;
      default:
        bytes[at++] = instead;
    }
  }

  function writeObject(value: object, place: Place, instead: number, depth: number): void {
    if (depth >= deepest) throw new TypeError(`nested in more than ${deepest} levels, or in itself`);
    const { shape } = place;
    if (Array.isArray(value) ? hasToJson(value) : shape === undefined || !isPlain(value, shape.names)) {
      if (hasToJson(value)) writeGiven(value.toJSON(""), place, instead, depth);
      else writeOther(value, place, instead, depth);
    } else if (Array.isArray(value)) writeArray(value, place, depth);
    else writeRecord(value, shape as Shape, depth);
  }

  /** What a `toJSON` gave, which isn't asked again, and what has none. */
  function writeGiven(value: unknown, place: Place, instead: number, depth: number): void {
    if (typeof value === "object" && value !== null) writeOther(value, place, instead, depth);
    else if (typeof value === "function") bytes[at++] = instead;
    else if (typeof value === "bigint") throw new TypeError("a BigInt has no JSON form");
    else writeValue(value, place, instead, depth);
  }

  /** An object that isn't what was found at the place before. */
  function writeOther(value: object, place: Place, instead: number, depth: number): void {
    if (Array.isArray(value)) writeArray(value, place, depth);
    else if (value instanceof String) writeText(String(value));
    else if (value instanceof Number) writeNumber(Number(value));
    else if (value instanceof Boolean || value instanceof BigInt) {
      writeGiven(value.valueOf(), place, instead, depth);
    } else {
      const names = Object.keys(value);
      // What has a `toJSON` of its own may not pass for plain.
      const shape = names.includes("toJSON") ? undefined : known.named(names);
      place.shape = shape;
      if (shape === undefined || !beginRecord(shape)) writeTable(value, names, depth);
      else {
        for (const [index, name] of names.entries()) {
          writeValue(memberOf(value, name), shape.places[index] as Place, absent, depth + 1);
        }
      }
    }
  }

  function writeArray(items: readonly unknown[], place: Place, depth: number): void {
    const { length } = items;
    writeHead(types.array, length);
    for (let index = 0; index < length; index++) writeValue(items[index], place, nothing, depth + 1);
  }

  /** @param value is plain and has the names of the shape */
  function writeRecord(value: object, shape: Shape, depth: number): void {
    if (!beginRecord(shape)) {
      writeTable(value, shape.names, depth);
      return;
    }
    const { places } = shape;
    // Quicker than asking for each name: V8 knows where the members are while it enumerates.
    let index = 0;
    for (const name in value) {
      writeValue(memberOf(value, name), places[index++] as Place, absent, depth + 1);
    }
    if (index !== places.length) throw new TypeError("an object that changes while it is written");
  }

  /** False when no further record can be defined in this body. */
  function beginRecord(shape: Shape): boolean {
    if (shape.body === body) {
      writeHead(types.record, shape.id);
      return true;
    }
    if (records === mostRecords) return false;
    shape.body = body;
    shape.id = records++;
    writeHead(types.record, shape.id);
    writeText(shape.text);
    return true;
  }

  function writeTable(value: object, names: readonly string[], depth: number): void {
    const place = newPlace();
    writeHead(types.table, names.length);
    for (const name of names) {
      writeValue(name, place, absent, depth);
      writeValue(memberOf(value, name), place, absent, depth + 1);
    }
  }

  function writeNumber(value: number): void {
    // Also makes 0 of -0.
    if ((value | 0) === value) {
      if (value >= 0) writeHead(types.positive, value);
      else writeHead(types.negative, ~value);
    } else if (Number.isSafeInteger(value)) {
      if (value >= 0) writeHead(types.positive, value);
      else writeHead(types.negative, -1 - value);
    } else if (Number.isFinite(value)) {
      bytes[at] = float;
      at = bytes.writeDoubleBE(value, at + 1);
    } else bytes[at++] = nothing;
  }

  function writeText(text: string): void {
    writeHead(types.text, text.length);
    texts += text;
  }

  /** The type, and the number that goes with it: a value, a length, a shape's. */
  function writeHead(type: number, value: number): void {
    if (value < 28) bytes[at++] = type | value;
    else if (value < 0x100) {
      bytes[at++] = type | 28;
      bytes[at++] = value;
    } else if (value < 0x1_0000) {
      bytes[at++] = type | 29;
      bytes[at++] = value >>> 8;
      bytes[at++] = value & 0xff;
    } else if (value < 0x1_0000_0000) {
      bytes[at++] = type | 30;
      at = bytes.writeUInt32BE(value, at);
    } else {
      bytes[at++] = type | 31;
      at = bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
      at = bytes.writeUInt32BE(value % 0x1_0000_0000, at);
    }
  }

  function enlarge(): void {
    const larger = Buffer.allocUnsafeSlow(2 * bytes.length);
    bytes.copy(larger, 0, 0, at);
    bytes = larger;
  }

  function isWide(): boolean {
    return /[^\0-\xff]/.test(texts);
  }

  function together(): Buffer {
    const wide = isWide();
    const start = headBytes + at;
    const whole = Buffer.allocUnsafe(start + (wide ? 2 : 1) * texts.length);
    whole[0] = wide ? utf16 : latin1;
    whole.writeUInt32BE(at, 1);
    bytes.copy(whole, headBytes, 0, at);
    whole.write(texts, start, wide ? "utf16le" : "latin1");
    return whole;
  }

  /** The same of texts that aren't wide. */
  function togetherAsText(): string {
    const head = String.fromCharCode(latin1, at >>> 24, (at >>> 16) & 0xff, (at >>> 8) & 0xff, at & 0xff);
    return head + bytes.toString("latin1", 0, at) + texts;
  }
}

/** Not an instance of a class, and with exactly these names. */
function isPlain(value: object, names: readonly string[]): boolean {
  let index = 0;
  for (const name in value) if (name !== names[index++]) return false;
  if (index !== names.length) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

function memberOf(value: object, name: string): unknown {
  return (value as Record<string, unknown>)[name];
}
