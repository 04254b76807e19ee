import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import {
  decompress,
  fromHeaders,
  GrpcError,
  MessageReader,
  readStatus,
  statusCode,
  statusFromHttp,
  statusFromReset,
  subtypeOf,
} from "@ts-micro/grpc-wire";
import { internalServerError, type Metadata, MicroError } from "ts-micro";
import { type Connection, noMoreCalls } from "./connection.ts";
import type { GrpcOptions } from "./grpc-options.ts";

/** Who waits for the answers: a call, or a stream. */
export interface Receiver {
  /** One answer, decompressed. */
  received(payload: Buffer): void;
  /** Last, exactly once. Without an error the status was 0. */
  finished(error: MicroError | undefined): void;
}

/** One HTTP/2 stream: sends messages, gives the answers, and says how it has ended. */
export class Exchange {
  readonly #connection: Connection;
  readonly #stream: ClientHttp2Stream;
  readonly #receiver: Receiver;
  readonly #options: GrpcOptions;
  readonly #maxBytes: number;
  readonly #reader: MessageReader;
  readonly #bytesRead: number;
  #encoding: string | undefined;
  /** The status, or the headers that hold one. */
  #trailers: IncomingHttpHeaders | undefined;
  #refused: GrpcError | undefined;
  #ended = false;

  /** @throws MicroError 503 `draining` when the connection takes no more calls */
  constructor(
    connection: Connection,
    headers: OutgoingHttpHeaders,
    receiver: Receiver,
    options: GrpcOptions,
    maxBytes: number,
  ) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#options = options;
    this.#maxBytes = maxBytes;
    this.#reader = new MessageReader(maxBytes, (payload, compressed) => this.#message(payload, compressed));
    this.#bytesRead = connection.bytesRead;
    const stream = connection.request(headers);
    this.#stream = stream;
    stream.on("response", (answer) => this.#response(answer));
    stream.on("data", (chunk: Buffer) => this.#data(chunk));
    stream.on("trailers", (trailers) => {
      this.#trailers = trailers;
    });
    stream.on("end", () => this.#answered());
    stream.on("error", () => {}); // "close" follows
    stream.on("close", () => this.#closed());
  }

  /** False: much is waiting to be sent, until "drain". */
  write(frame: Buffer): boolean {
    return this.#stream.write(frame);
  }

  /** Resolves when `write` may be used again, or nothing can be sent any more. */
  drained(): Promise<void> {
    const stream = this.#stream;
    if (!stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off("drain", done).off("close", done);
        resolve();
      };
      stream.on("drain", done).on("close", done);
    });
  }

  /** The last message has been sent, or is this. */
  finish(frame?: Buffer): void {
    if (frame === undefined) this.#stream.end();
    else this.#stream.end(frame);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Nobody waits any more: the server is told to stop. The receiver hears nothing further. */
  cancel(reason?: MicroError): void {
    if (this.#ended) return;
    this.#ended = true;
    if (reason?.reason === "timeout") this.#connection.timedOut(this.#bytesRead);
    this.#stop();
  }

  #stop(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #response(headers: IncomingHttpHeaders): void {
    if (headers["grpc-status"] !== undefined) {
      this.#trailers = headers;
      return;
    }
    const status = Number(headers[":status"]);
    if (status !== 200) this.#refuse(new GrpcError(statusFromHttp(status)));
    else if (subtypeOf(headers["content-type"] ?? "") === undefined) {
      const message = `the server answered with content-type ${JSON.stringify(headers["content-type"] ?? "")}, not gRPC's`;
      this.#refuse(new GrpcError({ code: statusCode.unknown, message }));
    } else {
      this.#encoding = headers["grpc-encoding"] as string | undefined;
      const wrong = told(this.#options.onHeader, headers);
      if (wrong !== undefined) this.#refuse(wrong);
    }
  }

  #data(chunk: Buffer): void {
    if (this.#ended || this.#refused !== undefined) return;
    try {
      this.#reader.push(chunk);
    } catch (thrown) {
      this.#refuse(MicroError.is(thrown) ? thrown : internalServerError("go.micro.client", String(thrown)));
    }
  }

  #message(payload: Buffer, compressed: boolean): void {
    if (this.#ended) return;
    this.#receiver.received(compressed ? decompress(payload, this.#encoding, this.#maxBytes) : payload);
  }

  /** What the server sends is no answer. */
  #refuse(error: MicroError): void {
    this.#end(error);
    this.#stop();
  }

  /** Everything has arrived. */
  #answered(): void {
    const trailers = this.#trailers;
    // Without a status it is a reset, which "close" tells.
    if (trailers === undefined || this.#ended) return;
    const wrong = told(this.#options.onTrailer, trailers);
    const error = wrong ?? readStatus(trailers);
    if (error === undefined && this.#reader.incomplete) {
      this.#end(new GrpcError({ code: statusCode.internal, message: "the answer ends within a message" }));
    } else this.#end(error);
    // The server wants nothing more of us.
    if (!this.#stream.writableEnded) this.#stop();
  }

  #closed(): void {
    this.#connection.released();
    if (!this.#ended) this.#end(this.#reasonOfClose());
  }

  #reasonOfClose(): MicroError {
    const { rstCode, id } = this.#stream;
    const { authority, gone, lastStreamId } = this.#connection;
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM || id === undefined || id > lastStreamId) {
      return noMoreCalls(authority);
    }
    if (gone) {
      const detail = `the connection to ${authority} ended before the answer`;
      return internalServerError("go.micro.client", detail, { reason: "connection-lost" });
    }
    return new GrpcError(statusFromReset(rstCode ?? constants.NGHTTP2_NO_ERROR));
  }

  #end(error: MicroError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiver.finished(error);
  }
}

/** Tells the caller's function. What it throws becomes the call's failure: nobody else could catch it. */
function told(
  listener: ((metadata: Metadata) => void) | undefined,
  headers: IncomingHttpHeaders,
): MicroError | undefined {
  try {
    listener?.(fromHeaders(headers));
    return undefined;
  } catch (thrown) {
    return internalServerError("go.micro.client", `onHeader or onTrailer failed: ${String(thrown)}`, {
      cause: thrown,
    });
  }
}
