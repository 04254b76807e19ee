import type { IncomingHttpHeaders } from "node:http2";
import {
  decodeTimeout,
  type Format,
  formatOf,
  fromHeaders,
  GrpcError,
  statusCode,
  subtypeOf,
} from "@ts-micro/grpc-wire";
import { type Metadata, MicroError } from "ts-micro";
import type { Codecs } from "ts-micro/codec";

/** What the headers of a call say. */
export interface RequestHead {
  readonly path: string;
  /** As the caller wrote it. */
  readonly contentType: string;
  /** `grpc-encoding` of the request's messages. */
  readonly encoding: string | undefined;
  /** The caller can read gzip. */
  readonly readsGzip: boolean;
  /** The earlier of the two limits a caller may send, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** @throws GrpcError 13 for a `grpc-timeout` that is none */
export function readHead(headers: IncomingHttpHeaders): RequestHead {
  const native = headers["grpc-timeout"];
  const goMicro = headers.timeout;
  const limits = [
    typeof native === "string" ? decodeTimeout(native) : Infinity,
    // Decimal nanoseconds; anything else is ignored, as in go-micro.
    typeof goMicro === "string" && /^\d{1,19}$/.test(goMicro) ? Number(goMicro) / 1e6 : Infinity,
  ];
  const timeoutMs = Math.min(...limits);
  const accepts = headers["grpc-accept-encoding"];
  return {
    path: headers[":path"] ?? "",
    contentType: headers["content-type"] ?? "",
    encoding: headers["grpc-encoding"] as string | undefined,
    readsGzip: typeof accepts === "string" && /(^|[,\s])gzip([,\s]|$)/.test(accepts),
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
  };
}

/** What the handler gets (go-micro `server/grpc/grpc.go`): everything but the two that are go-micro's framing. */
export function readMetadata(headers: IncomingHttpHeaders, local: string, remote: string): Metadata {
  const metadata = fromHeaders(headers);
  delete metadata.Timeout;
  delete metadata["X-Content-Type"];
  // The server's word, whatever the caller says.
  metadata.Local = local;
  metadata.Remote = remote;
  return metadata;
}

/** Finds the formats of content types, and remembers them: almost all calls of a server have the same. */
export class Formats {
  readonly #codecs: Codecs;
  readonly #known = new Map<string, Format>();

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /**
   * `undefined` when it isn't gRPC's at all.
   * @throws GrpcError 2 for a subtype without a codec, with go-micro's text
   */
  find(contentType: string): Format | undefined {
    const known = this.#known.get(contentType);
    if (known !== undefined) return known;
    const subtype = subtypeOf(contentType);
    if (subtype === undefined) return undefined;
    try {
      const format = formatOf(subtype, contentType, this.#codecs);
      if (this.#known.size < 64) this.#known.set(contentType, format);
      return format;
    } catch {
      const detail = `Unsupported Content-Type: ${contentType}`;
      const error = new MicroError({ id: "go.micro.server", code: 500, detail });
      throw new GrpcError({ code: statusCode.unknown, message: JSON.stringify(error) }, error.toJSON());
    }
  }
}
