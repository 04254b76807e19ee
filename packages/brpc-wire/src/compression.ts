import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { badRequest } from "ts-micro";
import { snappyCompress, snappyDecompress } from "./snappy.ts";

/** `brpc.CompressType`, as far as it is known here. LZ4 (4) is not. */
export const compressTypes = { none: 0, snappy: 1, gzip: 2, zlib: 3 } as const;

export type Compression = keyof typeof compressTypes;

const names = Object.keys(compressTypes) as Compression[];

/** The name of a `compress_type`, or `undefined` for one that can't be read here. */
export function compressionOf(type: number): Compression | undefined {
  return names[type];
}

/** @throws MicroError 400 naming the value and what it may be */
export function checkCompression(name: string, value: unknown): Compression {
  if (names.includes(value as Compression)) return value as Compression;
  throw badRequest("brpc", `${name} must be one of ${names.join(", ")}, is ${String(value)}`);
}

export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case "none":
      return bytes;
    case "snappy":
      return snappyCompress(bytes);
    case "gzip":
      return gzipSync(bytes);
    case "zlib":
      return deflateSync(bytes);
  }
}

/**
 * @param maxLength of what it becomes: a few bytes may stand for any number of them
 * @throws an Error when the bytes are not so compressed, or become too many
 */
export function decompress(compression: Compression, bytes: Uint8Array, maxLength: number): Uint8Array {
  switch (compression) {
    case "none":
      return bytes;
    case "snappy":
      return snappyDecompress(bytes, maxLength);
    case "gzip":
      return gunzipSync(bytes, { maxOutputLength: maxLength });
    case "zlib":
      return inflateSync(bytes, { maxOutputLength: maxLength });
  }
}
