/**
 * How databases, tables and keys are named in NATS, where a name has few letters. What has only those stays readable:
 * `nats kv get micro users.abc`.
 */
import { createHash } from "node:crypto";
import type { StorePlace } from "ts-micro/store";

const plain = /^[A-Za-z0-9_-]+$/;

/** A database is a bucket of NATS's key-value store: a stream whose name is a folder's too, and so not long. */
export function bucketOf({ database }: Required<StorePlace>): string {
  if (plain.test(database) && database.length <= 64) return database;
  return `=${createHash("sha256").update(database).digest("hex")}`;
}

/** What NATS's own key-value store calls the stream of a bucket. */
export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

export function tableSubject(place: Required<StorePlace>): string {
  return `$KV.${bucketOf(place)}.${encode(place.table)}`;
}

export function keySubject(place: Required<StorePlace>, key: string): string {
  return `${tableSubject(place)}.${encode(key)}`;
}

/** The key of a subject that `keySubject` made. */
export function keyOf(subject: string): string {
  const token = subject.slice(subject.lastIndexOf(".") + 1);
  return token.startsWith("=") ? Buffer.from(token.slice(1), "base64url").toString() : token;
}

/** `=` begins what had other letters. */
function encode(name: string): string {
  return plain.test(name) ? name : `=${Buffer.from(name).toString("base64url")}`;
}
