import type { Codec, Codecs } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { MicroError } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import type { Message } from "../transport/transport.ts";

/** What a mucp request says about itself (go-micro `server/rpc_codec.go`). */
export interface RequestHead {
  /** Empty when only the body says it, until that is decoded. */
  id: string;
  readonly service: string;
  readonly endpoint: string;
  /** As the caller wrote it, which is how it is answered. */
  readonly contentType: string;
  readonly codec: Codec;
  /** From the `Timeout` header, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** go-micro's default for a request without a content type. */
const defaultContentType = "application/protobuf";

/** Reads requests. One for each server, because it remembers which codec a content type has. */
export class RequestReader {
  readonly #codecs: Codecs;
  readonly #modern = new Map<string, Codec>();
  readonly #legacy = new Map<string, Codec>();

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /**
   * @throws MicroError 415 `unsupported-content-type`, with go-micro's text.
   * @throws MicroError 400 when the endpoint stands only in a body that can't be read.
   */
  read(message: Message): RequestHead {
    const { header } = message;
    const contentType = header[headers.contentType] || defaultContentType;
    const codec = this.#codecOf(contentType, isLegacy(header));
    let id = header[headers.id] ?? "";
    let endpoint =
      header[headers.endpoint] || header[headers.method] || prefixed(header, "Endpoint", "Method");
    if (endpoint === "") {
      const envelope = codec.decode(message.body, "request");
      endpoint = envelope.endpoint ?? "";
      id = envelope.id ?? id;
    }
    return {
      id,
      service: header[headers.service] ?? prefixed(header, "Service"),
      endpoint,
      contentType,
      codec,
      timeoutMs: milliseconds(header[headers.timeout]),
    };
  }

  #codecOf(contentType: string, legacy: boolean): Codec {
    const known = legacy ? this.#legacy : this.#modern;
    const codec = known.get(contentType);
    return codec ?? this.#remember(known, contentType, legacy);
  }

  #remember(known: Map<string, Codec>, contentType: string, legacy: boolean): Codec {
    try {
      const codec = codecFor((legacy && legacyContentTypes[contentType]) || contentType, this.#codecs);
      // Bounded, because parameters such as `charset` come from peers.
      if (known.size < 64) known.set(contentType, codec);
      return codec;
    } catch (cause) {
      throw new MicroError({
        id: "go.micro.server",
        code: 415,
        detail: `Unsupported Content-Type: ${contentType}`,
        reason: "unsupported-content-type",
        cause,
      });
    }
  }
}

const legacyContentTypes: Record<string, string> = {
  "application/json": "application/json-rpc",
  "application/protobuf": "application/proto-rpc",
  "application/octet-stream": "application/proto-rpc",
};

/**
 * Callers from before go-micro 1.0 name endpoint and id in the body. They are known by what their header
 * lacks, or by `Micro-Target`; `Micro-Protocol` says that it is a later one after all.
 */
function isLegacy(header: Metadata): boolean {
  const named =
    header[headers.endpoint] ||
    header[headers.method] ||
    header[headers.service] ||
    prefixed(header, "Endpoint", "Method", "Service");
  if (named && !header[headers.target] && !header["X-Micro-Target"]) return false;
  return !header[headers.protocol] && !header["X-Micro-Protocol"];
}

/** The first of the names with go-micro's old prefix that has a value. */
function prefixed(header: Metadata, ...names: string[]): string {
  for (const name of names) {
    const value = header[`X-Micro-${name}`];
    if (value) return value;
  }
  return "";
}

/** Decimal nanoseconds; anything else is ignored, as go-micro does. */
function milliseconds(timeout: string | undefined): number | undefined {
  return timeout !== undefined && /^\d{1,19}$/.test(timeout) ? Number(timeout) / 1e6 : undefined;
}
