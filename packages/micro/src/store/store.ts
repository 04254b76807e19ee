import type { PartOptions } from "../parts.ts";
import type { Shape } from "../shape.ts";

/**
 * Keeps records: bytes under a key, in a table of a database.
 *
 * A key is 1 to 1024 bytes of UTF-8 without U+0000, the names of databases and tables 1 to 255. Where a place isn't
 * named with the operation, it is that of the store's options. An expired record is invisible to everybody.
 */
export interface Store extends AsyncDisposable {
  /** The word users write after `--store=`. */
  readonly name: string;
  /**
   * Resolves once the engine answers and has what it needs, as go-micro's `Init` does. Operations connect by
   * themselves; calling it first finds out early whether they can. Does nothing while connected.
   * @throws MicroError 503 when the engine can't be reached, or after `close`.
   */
  connect(): Promise<void>;
  /**
   * The record of `key`, alone in a list. With `prefix` or `suffix`, all records whose keys begin or end with it (with
   * both options: begin and end), in the order of their keys, and `[]` when there are none.
   * @throws MicroError 404 when there is no such record and neither was asked for, 503 when the engine can't be reached.
   */
  read(key: string, options?: StoreReadOptions): Promise<StoreRecord[]>;
  /**
   * Resolves when the record is where the engine keeps it, and every store reads it. Replaces the record that was
   * there, its expiry included.
   * @throws MicroError 400 for a record that no store takes, 413 for one that this engine doesn't, 503 when the engine
   *   can't be reached. After a 503 or 408 the record may have been written; writing it again does no harm.
   */
  write(record: StoreRecord, options?: StoreWriteOptions): Promise<void>;
  /** Resolves when no store reads the record any more. It is no error if there was none. */
  delete(key: string, options?: StorePlace): Promise<void>;
  /** The keys that are there, in order. */
  list(options?: StoreListOptions): Promise<string[]>;
  /**
   * Waits for operations in progress, then closes; later ones are refused with 503 `closed`. Records stay
   * where the engine keeps them. Idempotent.
   */
  close(): Promise<void>;
}

/** go-micro's `Record`, a name that TypeScript has taken. */
export interface StoreRecord {
  key: string;
  value: Uint8Array;
  /** Anything that JSON can express. @default {} */
  metadata?: Record<string, unknown>;
  /**
   * When written: the time until the record expires, in milliseconds; 0 or absent for never. When read: the time that
   * is left, absent for never.
   */
  expiryMs?: number;
}

/** Where a record is. What is left out is as in the options of the store. */
export interface StorePlace {
  database?: string;
  table?: string;
}

/** Filtered first, then sorted by the bytes of the keys, then `offset`, then `limit`. */
interface Page {
  /** How many at most; 0 for all. @default 0 */
  limit?: number;
  /** How many to skip at the beginning. @default 0 */
  offset?: number;
}

export interface StoreReadOptions extends StorePlace, Page {
  /** All records whose keys begin with `key`. @default false */
  prefix?: boolean;
  /** All records whose keys end with `key`. @default false */
  suffix?: boolean;
}

export interface StoreListOptions extends StorePlace, Page {
  /** Only keys that begin with it. */
  prefix?: string;
  /** Only keys that end with it. */
  suffix?: string;
}

export interface StoreWriteOptions extends StorePlace {
  /** Time until the record expires, in milliseconds. Wins over the record's `expiryMs`. */
  ttlMs?: number;
}

/** `timeoutMs` is the time one operation may take. */
export interface StoreOptions extends PartOptions {
  /** Separates stores that share an engine. @default "micro" */
  database?: string;
  /** @default the name of the service, "micro" without one */
  table?: string;
}

export const storeShape: Shape<Store> = {
  name: "string",
  connect: "promise",
  read: "promise",
  write: "promise",
  delete: "promise",
  list: "promise",
  close: "promise",
  [Symbol.asyncDispose]: "promise",
};
