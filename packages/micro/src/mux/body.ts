import type { Codec, Frame, FrameKind, MessageType } from "../codec/codec.ts";
import { MicroError } from "../errors.ts";
import type { Line } from "./line.ts";

/** Bytes as text, a character of up to 0xff for each. */
export class ByteText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get length(): number {
    return this.text.length;
  }
}

/** A body as it travels. A plain text is that of JSON, and becomes UTF-8. */
export type Body = string | ByteText | Uint8Array;

/** Text where the codec writes some, so that nobody makes bytes of it before the socket does. */
export function encodeBody(codec: Codec, value: unknown, frame: Frame, type?: MessageType): Body {
  const text = codec.encodeText?.(value, frame, type);
  if (text !== undefined) return text;
  const latin1 = codec.encodeLatin1?.(value, frame, type);
  return latin1 === undefined ? codec.encode(value, frame, type) : new ByteText(latin1);
}

/** @throws MicroError as the codec does */
export function decodeBody(codec: Codec, line: Line, kind: FrameKind, type?: MessageType): unknown {
  if (line.oversize > 0) throw tooLong(kind, line.oversize);
  if (line.bytes !== undefined) return codec.decode(line.bytes, kind, type).value;
  if (codec.decodeText !== undefined) return codec.decodeText(line.rest(), kind, type);
  return codec.decode(Buffer.from(line.rest(), "latin1"), kind, type).value;
}

function tooLong(kind: FrameKind, length: number): MicroError {
  return new MicroError({
    id: "go.micro.transport",
    code: 413,
    detail: `the ${kind} has ${length} bytes, more than the receiver takes; make it a stream, or raise maxMessageBytes of both sides' transport`,
    reason: "too-large",
  });
}

/** What a frame's body weighs against the window of its stream, in bytes. */
export function weightOf(body: Body): number {
  return body.length + frameWeight;
}

/** The same for one that has arrived. */
export function arrivedWeight(line: Line): number {
  return (line.bytes?.length ?? line.end - line.at) + frameWeight;
}

/** So that empty items count, too. */
const frameWeight = 32;

/** What each side of a stream may send before the other has asked for more, in weight. */
export const windowWeight = 256 * 1024;

/** Metadata as a field: JSON without a space or anything outside ASCII in it. */
export function metadataField(metadata: Readonly<Record<string, string>>): string {
  return asciiField(JSON.stringify(metadata));
}

/** JSON text without space between its parts, as a field. */
export function asciiField(json: string): string {
  // Almost none has anything to escape, and to look is quicker than to replace nothing.
  if (!/[^!-~]/.test(json)) return json;
  return json.replace(/[^!-~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
