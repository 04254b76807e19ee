/**
 * The records of one table in memory, as the stores `memory` and `file` have them.
 */
import { decodeStored, type EncodedRecord, type Selection, selectKeys } from "./request.ts";
import type { StoreRecord } from "./store.ts";

/** A record with the moment, in milliseconds since 1970, at which it is gone. */
export interface KeptRecord extends Pick<EncodedRecord, "key" | "value" | "metadata"> {
  readonly expiresAt: number | undefined;
}

export function toKept(record: EncodedRecord): KeptRecord {
  const { key, value, metadata, ttlMs } = record;
  return { key, value, metadata, expiresAt: ttlMs === undefined ? undefined : Date.now() + ttlMs };
}

export class Table {
  readonly #records = new Map<string, KeptRecord>();
  /** How many of them expire. */
  #expiring = 0;

  get hasExpiring(): boolean {
    return this.#expiring > 0;
  }

  /** True for an expired one too, until it is swept. */
  has(key: string): boolean {
    return this.#records.has(key);
  }

  get(key: string): StoreRecord | undefined {
    const record = this.#living(key);
    if (record === undefined) return undefined;
    const expiryMs = record.expiresAt === undefined ? undefined : record.expiresAt - Date.now();
    return decodeStored(key, Buffer.from(record.value), record.metadata, expiryMs);
  }

  /** Gives what was there before. */
  set(record: KeptRecord): KeptRecord | undefined {
    const before = this.delete(record.key);
    this.#records.set(record.key, record);
    if (record.expiresAt !== undefined) this.#expiring++;
    return before;
  }

  delete(key: string): KeptRecord | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    this.#records.delete(key);
    if (record.expiresAt !== undefined) this.#expiring--;
    return record;
  }

  select(selection: Selection): string[] {
    return selectKeys(this.#livingKeys(), selection);
  }

  read(selection: Selection): StoreRecord[] {
    return this.select(selection).flatMap((key) => this.get(key) ?? []);
  }

  /** Everything that is kept, expired records that are not swept yet included. */
  records(): Iterable<KeptRecord> {
    return this.#records.values();
  }

  /** Removes expired records, and returns them. */
  sweep(): KeptRecord[] {
    if (this.#expiring === 0) return [];
    const now = Date.now();
    const expired = [...this.#records.values()].filter((record) => isExpired(record, now));
    for (const { key } of expired) this.delete(key);
    return expired;
  }

  *#livingKeys(): Iterable<string> {
    const now = Date.now();
    for (const record of this.#records.values()) if (!isExpired(record, now)) yield record.key;
  }

  #living(key: string): KeptRecord | undefined {
    const record = this.#records.get(key);
    return record === undefined || isExpired(record, Date.now()) ? undefined : record;
  }
}

export function isExpired(record: KeptRecord, now: number): boolean {
  return record.expiresAt !== undefined && record.expiresAt <= now;
}
