/**
 * The bytes of a log: one entry after the other, each a head of three big-endian numbers of 32 bits and a body.
 *
 *     length of the body │ CRC-32 of the body │ CRC-32 of these eight bytes │ body
 *     body: length of the JSON │ JSON {key, metadata, expiresAt} or {key, deleted} │ value
 *
 * The head has a checksum of its own, so that a damaged length isn't taken for an entry that was cut off.
 */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { MicroError } from "../errors.ts";
import { storeId } from "./failures.ts";
import type { KeptRecord } from "./table.ts";

export type Entry = KeptRecord | { readonly key: string; readonly deleted: true };

/** What every log begins with. */
export const fileHead = Buffer.from("ts-micro store 1\n");

const headBytes = 12;
/** Longer than what `Buffer` and a number of 32 bits can surely hold. */
const maxBodyBytes = 0x7fff_0000;

/** @throws MicroError 413 */
export function encodeEntry(entry: Entry): Buffer {
  const [header, value] = "deleted" in entry ? [{ ...entry }, undefined] : split(entry);
  const json = Buffer.from(JSON.stringify(header));
  const bodyBytes = 4 + json.length + (value?.length ?? 0);
  if (bodyBytes > maxBodyBytes) {
    const detail = `the record "${entry.key}" has ${bodyBytes} bytes; the file store takes ${maxBodyBytes}`;
    throw new MicroError({ id: storeId, code: 413, detail, reason: "too-large" });
  }
  const bytes = Buffer.alloc(headBytes + bodyBytes);
  bytes.writeUInt32BE(json.length, headBytes);
  json.copy(bytes, headBytes + 4);
  value?.copy(bytes, headBytes + 4 + json.length);
  bytes.writeUInt32BE(bodyBytes, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(headBytes)), 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

/** How many bytes `record` takes in a log. */
export function entryBytes(record: KeptRecord): number {
  const [header, value] = split(record);
  return headBytes + 4 + Buffer.byteLength(JSON.stringify(header)) + value.length;
}

/**
 * Gives each entry of a log to `take`, and the length of what is whole. What a process that died in mid-write has left
 * behind at the end is no error: it was promised to nobody.
 * @throws Error that names the place when there is damage before the end.
 */
export async function readEntries(file: FileHandle, take: (entry: Entry) => void): Promise<number> {
  const { size } = await file.stat();
  const window = newWindow(file);
  const begin = await window(0, fileHead.length);
  if (!begin.equals(fileHead)) {
    if (fileHead.subarray(0, begin.length).equals(begin)) return 0;
    throw new Error("it isn't a log of this store");
  }
  let at = fileHead.length;
  while (at < size) {
    const head = await window(at, headBytes);
    const isHead = head.length === headBytes && crc32(head.subarray(0, 8)) === head.readUInt32BE(8);
    const end = isHead ? at + headBytes + head.readUInt32BE(0) : size;
    const bodyCrc = isHead ? head.readUInt32BE(4) : 0;
    if (head.length < headBytes || end > size) return at;
    const body = isHead ? await window(at + headBytes, end - at - headBytes) : undefined;
    if (body === undefined || crc32(body) !== bodyCrc) {
      const wasLast = isHead && end === size;
      if (wasLast || (await isZero(window, isHead ? end : at, size))) return at;
      throw new Error(`it is damaged at byte ${at} of ${size}`);
    }
    take(decodeBody(body));
    at = end;
  }
  return at;
}

function split({ value, ...header }: KeptRecord): [header: Omit<KeptRecord, "value">, value: Buffer] {
  return [header, value];
}

function decodeBody(body: Buffer): Entry {
  const end = 4 + body.readUInt32BE(0);
  const header = JSON.parse(body.toString("utf8", 4, end));
  if (header.deleted === true) return header;
  // A copy: the body is a part of a larger buffer, which must not be kept for it.
  return { ...header, expiresAt: header.expiresAt, value: Buffer.from(body.subarray(end)) };
}

type Window = (at: number, length: number) => Promise<Buffer>;

/** Reads ahead. What is asked for beyond the end is shorter. */
function newWindow(file: FileHandle): Window {
  let [start, bytes] = [0, Buffer.alloc(0)];
  return async (at, length) => {
    if (at < start || at + length > start + bytes.length) {
      const wanted = Buffer.alloc(Math.max(length, readAheadBytes));
      let read = 0;
      while (read < length) {
        const { bytesRead } = await file.read(wanted, read, wanted.length - read, at + read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      [start, bytes] = [at, wanted.subarray(0, read)];
    }
    return bytes.subarray(at - start, at - start + length);
  };
}

const readAheadBytes = 1024 * 1024;

/** What a file system shows where a machine that lost its power had not written yet. */
async function isZero(window: Window, from: number, size: number): Promise<boolean> {
  for (let at = from; at < size; at += readAheadBytes) {
    const bytes = await window(at, Math.min(readAheadBytes, size - at));
    if (bytes.some((byte) => byte !== 0)) return false;
  }
  return true;
}
