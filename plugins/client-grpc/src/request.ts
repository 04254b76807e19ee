import type { OutgoingHttpHeaders } from "node:http2";
import {
  contentTypeOf,
  encodeTimeout,
  encodings,
  type Format,
  formatOf,
  pathOf,
  subtypeOf,
  toHeaders,
} from "@ts-micro/grpc-wire";
import type { CallRequest, Metadata } from "ts-micro";
import type { Codecs } from "ts-micro/codec";

const userAgent = "grpc-node-ts-micro/0.1.0";

/**
 * The content type of a call that names none: protobuf for bytes and for values with a message type, JSON for plain
 * objects, so that handlers without a schema can be called as over any other protocol.
 */
export function contentTypeFor(request: CallRequest, chosen: string | undefined): string {
  const named = request.contentType ?? chosen;
  if (named !== undefined) return named;
  const typed = request.requestType !== undefined || request.responseType !== undefined;
  return typed || request.body instanceof Uint8Array ? "application/grpc+proto" : "application/grpc+json";
}

/** Finds the formats of content types, and remembers them. */
export class Formats {
  readonly #codecs: Codecs;
  readonly #known = new Map<string, Format>();

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /** @throws MicroError 415 `unsupported-content-type` */
  find(contentType: string): Format {
    const known = this.#known.get(contentType);
    if (known !== undefined) return known;
    const onWire = contentTypeOf(contentType);
    const format = formatOf(subtypeOf(onWire) ?? "proto", onWire, this.#codecs);
    if (this.#known.size < 64) this.#known.set(contentType, format);
    return format;
  }
}

export interface HeadFields {
  readonly request: CallRequest;
  readonly metadata: Metadata;
  /** As the caller named it. */
  readonly contentType: string;
  readonly format: Format;
  readonly compressed: boolean;
}

/**
 * The headers of a call, but for what depends on connection and time.
 * @throws MicroError 400 for an endpoint or a metadata key that can't be sent
 */
export function requestHeaders(fields: HeadFields): OutgoingHttpHeaders {
  const { request, metadata, contentType, format, compressed } = fields;
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":scheme": "http",
    ":path": pathOf(request),
    ":authority": "",
    "content-type": format.contentType,
    "user-agent": userAgent,
    te: "trailers",
    "grpc-accept-encoding": encodings,
    "x-content-type": contentType,
  };
  if (compressed) headers["grpc-encoding"] = "gzip";
  toHeaders(metadata, headers);
  return headers;
}

/** @param remainingMs what is left of the deadline, in milliseconds; `Infinity` for none */
export function complete(
  headers: OutgoingHttpHeaders,
  { scheme, authority }: { scheme: string; authority: string },
  remainingMs: number,
): OutgoingHttpHeaders {
  headers[":scheme"] = scheme;
  headers[":authority"] = authority;
  if (remainingMs === Infinity) return headers;
  headers["grpc-timeout"] = encodeTimeout(remainingMs);
  // go-micro's own, in nanoseconds, for servers that look at nothing else. Longer ones than a hundred days are cut.
  headers.timeout = `${Math.min(Math.ceil(remainingMs), 9_000_000_000)}000000`;
  return headers;
}
