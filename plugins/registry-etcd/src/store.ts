import { type Service, serviceFromJson } from "ts-micro/registry";
import type { Gateway, Limit } from "./gateway.ts";
import { below, decode } from "./keys.ts";

/** Of etcd's answers what is used here. 64-bit numbers are texts in JSON, and zeros are left out. */
export interface Header {
  revision?: string;
}

/** Keys and values in base64. */
export interface KeyValue {
  key: string;
  value?: string;
  mod_revision?: string;
}

export interface RangeAnswer {
  header?: Header;
  kvs?: KeyValue[];
}

/** All entries below `prefix`, the one written last at the end. */
export async function list(
  gateway: Gateway,
  prefix: string,
  { serializable, ...limit }: Limit & { serializable: boolean },
): Promise<RangeAnswer> {
  const range = { ...below(prefix), sort_order: "ASCEND", sort_target: "MOD", serializable };
  return (await gateway.call("kv/range", range, limit)) as RangeAnswer;
}

/** The record in an entry; `undefined` when it can't be read, as go-micro skips those. */
export function recordOf({ value = "" }: KeyValue): Service | undefined {
  try {
    return serviceFromJson(decode(value));
  } catch {
    return undefined;
  }
}

export function revisionOf(text: string | undefined): number {
  return Number(text ?? 0);
}
