import { Buffer } from "node:buffer";
import type { Answer, Question } from "./contender.ts";

/**
 * The protobuf bodies, by hand: none of the contenders shall win by its protobuf library. Both messages are
 * `{ string text = 1; optional string data = 2; }`, of ASCII.
 */
export function encodeQuestion({ name, data }: Question): Buffer {
  return encode(name, data);
}

export function decodeQuestion(bytes: Uint8Array): Question {
  const { text, data } = decode(bytes);
  return data === undefined ? { name: text } : { name: text, data };
}

export function encodeAnswer({ msg, data }: Answer): Buffer {
  return encode(msg, data);
}

export function decodeAnswer(bytes: Uint8Array): Answer {
  const { text, data } = decode(bytes);
  return data === undefined ? { msg: text } : { msg: text, data };
}

const textTag = 0x0a;
const dataTag = 0x12;
/** Of a tag and the longest varint here. */
const mostHeadBytes = 6;

function encode(text: string, data: string | Uint8Array = ""): Buffer {
  const bytes = Buffer.allocUnsafe(text.length + data.length + 2 * mostHeadBytes);
  let end = writeField(bytes, 0, textTag, text);
  if (data.length > 0) end = writeField(bytes, end, dataTag, data);
  return bytes.subarray(0, end);
}

function writeField(bytes: Buffer, from: number, tag: number, text: string | Uint8Array): number {
  let at = from;
  bytes[at++] = tag;
  let rest = text.length;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  if (typeof text === "string") return at + bytes.write(text, at, "latin1");
  bytes.set(text, at);
  return at + text.length;
}

function decode(from: Uint8Array): { text: string; data?: string } {
  const bytes = Buffer.from(from.buffer, from.byteOffset, from.length);
  const found: { text: string; data?: string } = { text: "" };
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const text = bytes.toString("latin1", at, at + length);
    if (tag === textTag) found.text = text;
    else found.data = text;
    at += length;
  }
  return found;
}
