/**
 * What stores are asked, checked and with nothing left out, so that all refuse the same.
 */
import { badRequest } from "../errors.ts";
import { kindOf } from "../shape.ts";
import { storeId } from "./failures.ts";
import { jsonOf } from "./record.ts";
import type {
  StoreListOptions,
  StoreOptions,
  StorePlace,
  StoreReadOptions,
  StoreRecord,
  StoreWriteOptions,
} from "./store.ts";

/** What an index of PostgreSQL and a subject of NATS still take, so that every store can take all keys. */
const maxKeyBytes = 1_024;
const maxNameBytes = 255;

/** Which keys are wanted: filtered, sorted by their bytes, then cut. */
export interface Selection {
  readonly prefix: string;
  readonly suffix: string;
  /** `Infinity` for all. */
  readonly limit: number;
  readonly offset: number;
}

/** A record as it is kept: copies, so that later changes of the caller's reach nothing. */
export interface EncodedRecord {
  readonly key: string;
  readonly value: Buffer;
  /** JSON of an object. */
  readonly metadata: string;
  readonly ttlMs: number | undefined;
}

/** @throws MicroError 400 when a name is none. */
export function placeOf(store: StoreOptions, given: StorePlace = {}): Required<StorePlace> {
  const database = given.database ?? store.database ?? "micro";
  const table = given.table ?? store.table ?? "micro";
  checkText(database, "a database", maxNameBytes);
  checkText(table, "a table", maxNameBytes);
  return { database, table };
}

/** @throws MicroError 400 when it is no key. */
export function checkKey(key: string): void {
  checkText(key, "a key", maxKeyBytes);
}

/**
 * What `read` is asked for; `undefined` is the record of `key` itself.
 * @throws MicroError 400
 */
export function selectionOfRead(key: string, options: StoreReadOptions): Selection | undefined {
  const { prefix = false, suffix = false } = options;
  if (!prefix && !suffix) {
    checkKey(key);
    return undefined;
  }
  return selectionOf({ prefix: prefix ? key : "", suffix: suffix ? key : "" }, options);
}

/** @throws MicroError 400 */
export function selectionOfList(options: StoreListOptions): Selection {
  const { prefix = "", suffix = "" } = options;
  return selectionOf({ prefix, suffix }, options);
}

/** @throws MicroError 400 when it isn't a record that every store can keep. */
export function encodeRecord(record: StoreRecord, options: StoreWriteOptions): EncodedRecord {
  const { key, value, metadata = {}, expiryMs = 0 } = record;
  checkKey(key);
  if (!(value instanceof Uint8Array)) {
    throw badRequest(
      storeId,
      `the value of "${key}" must be bytes, is ${kindOf(value)}; newRecord(key, value) makes JSON of it`,
    );
  }
  if (kindOf(metadata) !== "an object") {
    throw badRequest(storeId, `the metadata of "${key}" must be an object, is ${kindOf(metadata)}`);
  }
  const ttlMs = options.ttlMs ?? expiryMs;
  if (!(ttlMs >= 0 && ttlMs <= Number.MAX_SAFE_INTEGER / 2)) {
    throw badRequest(
      storeId,
      `"${key}" can't expire after ${ttlMs} ms; give 0, for never, or a positive number`,
    );
  }
  return {
    key,
    value: Buffer.from(value),
    metadata: jsonOf(metadata, `the metadata of "${key}"`),
    ttlMs: ttlMs === 0 ? undefined : Math.ceil(ttlMs),
  };
}

/** From what is kept to what `read` gives. */
export function decodeStored(
  key: string,
  value: Uint8Array,
  metadata: string,
  expiryMs: number | undefined,
): StoreRecord {
  const record: StoreRecord = { key, value, metadata: JSON.parse(metadata) };
  return expiryMs === undefined ? record : { ...record, expiryMs };
}

/** For stores whose engine can't do it: those of `keys` that are wanted, in their order. */
export function selectKeys(keys: Iterable<string>, selection: Selection): string[] {
  const { prefix, suffix, limit, offset } = selection;
  const found: string[] = [];
  for (const key of keys) if (key.startsWith(prefix) && key.endsWith(suffix)) found.push(key);
  return found.sort(byBytes).slice(offset, offset + limit);
}

/** The order of the UTF-8 bytes, which is Go's and every engine's. UTF-16's own differs for surrogates. */
export function byBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const a = one.charCodeAt(at);
    const b = other.charCodeAt(at);
    if (a !== b) return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1;
  }
  return one.length - other.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function selectionOf(
  { prefix, suffix }: { prefix: string; suffix: string },
  { limit = 0, offset = 0 }: { limit?: number; offset?: number },
): Selection {
  for (const part of [prefix, suffix]) if (part !== "") checkText(part, "a part of a key", maxKeyBytes);
  for (const [name, count] of Object.entries({ limit, offset })) {
    if (!(Number.isSafeInteger(count) && count >= 0)) {
      throw badRequest(storeId, `${name} must be a whole number from 0 on, is ${count}`);
    }
  }
  return { prefix, suffix, limit: limit === 0 ? Number.POSITIVE_INFINITY : limit, offset };
}

function checkText(text: unknown, what: string, maxBytes: number): void {
  if (typeof text !== "string") throw badRequest(storeId, `${what} must be a string, is ${kindOf(text)}`);
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > maxBytes) {
    throw badRequest(storeId, `${what} has 1 to ${maxBytes} bytes of UTF-8, ${shown} has ${bytes}`);
  }
  if (text.includes("\0") || /\p{Surrogate}/u.test(text)) {
    throw badRequest(storeId, `${what} can't hold U+0000 or half a surrogate pair, as ${shown} does`);
  }
}
