import type { MessageType } from "ts-micro";
import { type Codec, type Codecs, codecFor } from "ts-micro/codec";

/** How the messages of a stream are written: the subtype of `application/grpc+<subtype>` and its codec. */
export interface Format {
  /** On the wire. */
  readonly contentType: string;
  /** @throws MicroError 500 `encode-failed` */
  encode(value: unknown, kind: "request" | "response", type: MessageType | undefined): Uint8Array;
  /** @throws MicroError 400 `decode-failed` */
  decode(payload: Uint8Array, kind: "request" | "response", type: MessageType | undefined): unknown;
}

/** go-micro's table (`client/grpc/codec.go`, `server/grpc/codec.go`), from content type to subtype. */
const subtypes: Readonly<Record<string, string>> = {
  "application/grpc": "proto",
  "application/grpc+proto": "proto",
  "application/proto": "proto",
  "application/protobuf": "proto",
  "application/octet-stream": "proto",
  "application/json": "json",
  "application/grpc+json": "json",
  "application/grpc+bytes": "bytes",
};

/** Which of the framework's codecs writes what is inside the frames. */
const innerContentTypes: Readonly<Record<string, string>> = {
  proto: "application/protobuf",
  json: "application/json",
  bytes: "application/octet-stream",
};

/** What stands after `application/grpc+`, `proto` when nothing does; `undefined` for what isn't gRPC. */
export function subtypeOf(contentType: string): string | undefined {
  const [, subtype] = /^application\/grpc(?:\+([^;\s]+))?\s*(?:;.*)?$/i.exec(contentType) ?? [];
  if (subtype !== undefined) return subtype.toLowerCase();
  return /^application\/grpc\s*(;|$)/i.test(contentType) ? "proto" : undefined;
}

/** The content type on the wire for one that a caller names: `application/json` → `application/grpc+json`. */
export function contentTypeOf(contentType: string): string {
  const known = subtypes[contentType.toLowerCase()] ?? subtypeOf(contentType);
  return `application/grpc+${known ?? contentType.replace(/^application\//i, "")}`;
}

/**
 * The format of a subtype. Beside go-micro's three, each codec of `application/<subtype>` is one.
 * @throws MicroError 415 `unsupported-content-type`
 */
export function formatOf(subtype: string, contentType: string, codecs: Codecs): Format {
  const codec = codecFor(innerContentTypes[subtype] ?? `application/${subtype}`, codecs);
  return subtype === "json" ? jsonFormat(contentType, codec) : plainFormat(contentType, codec);
}

function plainFormat(contentType: string, codec: Codec): Format {
  return {
    contentType,
    encode: (value, kind, type) => codec.encode(value, frames[kind], type),
    decode: (payload, kind, type) => codec.decode(payload, kind, type).value,
  };
}

const lineFeed = 0x0a;

/** One JSON value without the line feed that mucp ends it with. */
function jsonFormat(contentType: string, codec: Codec): Format {
  const plain = plainFormat(contentType, codec);
  return {
    ...plain,
    encode(value, kind, type) {
      const bytes = plain.encode(value, kind, type);
      return bytes.at(-1) === lineFeed ? bytes.subarray(0, -1) : bytes;
    },
  };
}

/** No codec that fits gRPC repeats the call in the body. */
const frames = {
  request: { kind: "request", id: "", endpoint: "", error: "" },
  response: { kind: "response", id: "", endpoint: "", error: "" },
} as const;
