/**
 * go-micro's helpers for values that are JSON.
 */
import { badRequest } from "../errors.ts";
import { storeId } from "./failures.ts";
import type { StoreRecord } from "./store.ts";

/**
 * A record whose value is the JSON of `value`.
 * @throws MicroError 400 when `value` has none.
 */
export function newRecord(key: string, value: unknown): StoreRecord {
  return { key, value: Buffer.from(jsonOf(value, `the value of "${key}"`)) };
}

/**
 * The value of a record that was made with `newRecord`; `T` is the program's word for it.
 * @throws MicroError 400 when it isn't JSON.
 */
export function decodeRecord<T = unknown>(record: StoreRecord): T {
  try {
    return JSON.parse(Buffer.from(record.value).toString()) as T;
  } catch (cause) {
    throw badRequest(storeId, `the value of "${record.key}" is not JSON; read its bytes: record.value`, {
      reason: "decode-failed",
      cause,
    });
  }
}

/** @throws MicroError 400 */
export function jsonOf(value: unknown, what: string): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  throw badRequest(storeId, `${what} can't be written as JSON`, { reason: "encode-failed", cause });
}
