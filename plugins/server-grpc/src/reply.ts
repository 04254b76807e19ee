import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import {
  compress,
  encodeFrame,
  encodings,
  type Format,
  GrpcError,
  statusCode,
  toHeaders,
  writeStatus,
} from "@ts-micro/grpc-wire";
import { type MessageType, MicroError } from "ts-micro";
import type { GrpcCall } from "./grpc-call.ts";

/** The answering half of a call: headers, messages, status. Nothing is sent on a stream that is gone. */
export class Reply {
  /** As the request asks for it, once it has been read. */
  format: Format | undefined;
  /** The caller can read gzip. */
  readsGzip = false;
  /** The status was handed over for sending: nothing may follow. */
  finished = false;
  readonly #stream: ServerHttp2Stream;
  readonly #grpc: GrpcCall;
  readonly #maxBytes: number;
  #error: MicroError | undefined;

  constructor(stream: ServerHttp2Stream, grpc: GrpcCall, maxBytes: number) {
    this.#stream = stream;
    this.#grpc = grpc;
    this.#maxBytes = maxBytes;
    stream.on("wantTrailers", () => this.#sendTrailers());
  }

  /** Nobody is there any more to answer. */
  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** @throws MicroError 500 `encode-failed`; GrpcError 8 for an answer that is too long */
  encode(value: unknown, type: MessageType | undefined): Buffer {
    const payload = (this.format as Format).encode(value, "response", type);
    const compressed = this.readsGzip && this.#grpc.compress;
    const bytes = compressed ? compress(payload) : payload;
    if (bytes.length <= this.#maxBytes) return encodeFrame(bytes, compressed);
    throw new GrpcError({
      code: statusCode.resourceExhausted,
      message: `grpc: trying to send message larger than max (${bytes.length} vs. ${this.#maxBytes})`,
    });
  }

  /** One of several answers. Resolves when more may be sent, or nobody is there any more. */
  send(frame: Buffer): Promise<void> | undefined {
    const stream = this.#stream;
    if (!stream.headersSent) this.#respond();
    if (stream.write(frame)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off("drain", done).off("close", done);
        resolve();
      };
      stream.on("drain", done).on("close", done);
    });
  }

  /** The only answer, and status 0. */
  answer(frame: Buffer): void {
    this.finished = true;
    this.#respond();
    this.#stream.end(frame);
  }

  /** The status, after whatever was sent. Idempotent. */
  finish(error: MicroError | undefined): void {
    if (this.finished || this.gone) return;
    this.finished = true;
    this.#error = error;
    const stream = this.#stream;
    const early = !stream.headersSent;
    if (early && error !== undefined && isEmpty(this.#grpc.header)) {
      // One block of headers, which then is the trailers as well.
      const headers = this.#headers();
      headers["grpc-accept-encoding"] = encodings;
      writeTrailer(this.#grpc, headers);
      writeStatus(error, headers);
      respond(stream, headers, { endStream: true });
      this.#stopReading();
      return;
    }
    if (early) this.#respond();
    stream.end();
  }

  /** What isn't gRPC gets an answer in HTTP. */
  refuse(httpStatus: number): void {
    this.finished = true;
    respond(this.#stream, { ":status": httpStatus }, { endStream: true });
    this.#stopReading();
  }

  #respond(): void {
    const headers = this.#headers();
    try {
      toHeaders(this.#grpc.header, headers);
    } catch (thrown) {
      this.#error ??= MicroError.from(thrown);
    }
    respond(this.#stream, headers, { waitForTrailers: true });
  }

  #headers(): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {
      ":status": 200,
      "content-type": this.format?.contentType ?? "application/grpc",
    };
    if (this.readsGzip && this.#grpc.compress) headers["grpc-encoding"] = "gzip";
    return headers;
  }

  #sendTrailers(): void {
    if (this.#stream.destroyed) return;
    const trailers: OutgoingHttpHeaders = {};
    const wrong = writeTrailer(this.#grpc, trailers);
    const error = this.#error ?? wrong;
    if (error === undefined) trailers["grpc-status"] = "0";
    else writeStatus(error, trailers);
    this.#stream.sendTrailers(trailers);
    this.#stopReading();
  }

  /**
   * The answer is complete: a caller that still sends is told to stop, which is no failure (RFC 9113 §8.1). Not at
   * once, for Node would drop the trailers.
   */
  #stopReading(): void {
    const stream = this.#stream;
    if (stream.readableEnded) return;
    setImmediate(() => {
      if (!stream.readableEnded && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}

/** Without the `date` that Node adds and no gRPC client reads. (Its types don't know the option here.) */
function respond(
  stream: ServerHttp2Stream,
  headers: OutgoingHttpHeaders,
  options: { endStream: true } | { waitForTrailers: true },
): void {
  stream.respond(headers, { ...options, sendDate: false } as object);
}

/** The handler's own trailer. Gives what is wrong with it. */
function writeTrailer({ trailer }: GrpcCall, headers: OutgoingHttpHeaders): MicroError | undefined {
  try {
    toHeaders(trailer, headers);
    return undefined;
  } catch (thrown) {
    return MicroError.from(thrown);
  }
}

function isEmpty(metadata: object): boolean {
  for (const _ in metadata) return false;
  return true;
}
