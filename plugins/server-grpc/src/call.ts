import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import {
  compress,
  decompress,
  encodeFrame,
  encodings,
  type Format,
  GrpcError,
  MessageReader,
  parsePath,
  statusCode,
  toHeaders,
  writeStatus,
} from "@ts-micro/grpc-wire";
import { internalServerError, MicroError } from "ts-micro";
import { Inbox, type Route, type Router } from "ts-micro/server";
import { findRoute } from "./find-route.ts";
import { GrpcContext, newGrpcCall } from "./grpc-call.ts";
import type { GrpcSettings } from "./options.ts";
import type { OwnServices } from "./own-services.ts";
import { type Formats, type RequestHead, readHead, readMetadata } from "./request.ts";

/** What all calls of a server share. */
export interface CallHost {
  /** The service's name. */
  readonly name: string;
  readonly settings: GrpcSettings;
  readonly router: Router;
  readonly ownServices: OwnServices;
  readonly formats: Formats;
}

/** Both ends of the connection that a call came by. */
export interface Ends {
  readonly local: string;
  readonly remote: string;
}

/** A message as it came. It is decompressed and decoded when the handler reads it. */
interface Received {
  readonly payload: Buffer;
  readonly compressed: boolean;
}

/** Messages that wait for a handler before the stream is no longer read, and the same in bytes. */
const inboxSize = 128;
const inboxBytes = 1024 * 1024;

/** One HTTP/2 stream: reads the request, runs the handler, answers. Nothing in it throws. */
export class Call {
  readonly #host: CallHost;
  readonly #stream: ServerHttp2Stream;
  readonly #ended: (call: Call) => void;
  readonly #grpc: ReturnType<typeof newGrpcCall>;
  #head: RequestHead | undefined;
  #format: Format | undefined;
  #route: Route | undefined;
  #context: GrpcContext | undefined;
  #reader: MessageReader | undefined;
  /** Of a streaming endpoint. */
  #inbox: Inbox<Received, unknown> | undefined;
  #inboxBytes = 0;
  /** The handler's requests are complete: a unary endpoint has its message, or no more will come. */
  #complete = false;
  /** The handler runs. */
  #running = false;
  /** The status was handed over for sending. */
  #answered = false;
  #error: MicroError | undefined;

  /** @param ended called once, when the stream is closed and the handler has ended */
  constructor(host: CallHost, stream: ServerHttp2Stream, path: string, ended: (call: Call) => void) {
    this.#host = host;
    this.#stream = stream;
    this.#ended = ended;
    this.#grpc = newGrpcCall(path, host.settings.compression === "gzip");
    // "close" follows and says what matters.
    stream.on("error", () => {});
    stream.on("close", () => this.#closed());
    stream.on("wantTrailers", () => this.#sendTrailers());
  }

  start(headers: IncomingHttpHeaders, ends: Ends): void {
    const refusal = this.#refusal(headers);
    if (refusal !== undefined) {
      this.#answered = true;
      this.#stream.respond({ ":status": refusal }, { endStream: true });
      this.#stopReading();
      return;
    }
    try {
      this.#head = readHead(headers);
      const route = findRoute(parsePath(this.#head.path), this.#host.router, this.#host.ownServices);
      const metadata = readMetadata(headers, ends.local, ends.remote);
      const { timeoutMs } = this.#head;
      this.#context = new GrpcContext({ metadata, timeoutMs, peer: { address: ends.remote } }, this.#grpc);
      this.#route = route;
      if (route.streaming) this.#openStream(route, this.#context);
      this.#read();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** The connection ends now: the handler is told why. */
  abort(reason: MicroError): void {
    this.#context?.cancel(reason);
    this.#inbox?.fail(reason);
  }

  /** The HTTP status for what isn't gRPC. */
  #refusal(headers: IncomingHttpHeaders): number | undefined {
    if (headers[":method"] !== "POST") return 405;
    try {
      this.#format = this.#host.formats.find(headers["content-type"] ?? "");
    } catch (thrown) {
      // Told once the request can be answered, as go-micro does.
      this.#error = MicroError.from(thrown);
      return undefined;
    }
    return this.#format === undefined ? 415 : undefined;
  }

  #read(): void {
    const reader = new MessageReader(this.#host.settings.maxReceiveMessageBytes, (payload, compressed) =>
      this.#message(payload, compressed),
    );
    this.#reader = reader;
    this.#stream.on("data", (chunk: Buffer) => {
      try {
        // What comes after a unary endpoint's message, or after the answer, is of no interest.
        if (!this.#complete && !this.#answered) reader.push(chunk);
      } catch (thrown) {
        this.#fail(thrown);
      }
    });
    this.#stream.on("end", () => this.#noMore());
  }

  /** The caller sends no more. */
  #noMore(): void {
    if (this.#complete || this.#answered) return;
    this.#complete = true;
    if (this.#reader?.incomplete) {
      this.#fail(new GrpcError({ code: statusCode.internal, message: "the request ends within a message" }));
    } else if (this.#inbox !== undefined) this.#inbox.end();
    // go-micro's text for a unary request without a message.
    else this.#fail(new GrpcError({ code: statusCode.unknown, message: "EOF" }));
  }

  #message(payload: Buffer, compressed: boolean): void {
    if (this.#complete) return;
    const inbox = this.#inbox;
    if (inbox === undefined) {
      this.#complete = true;
      this.#runUnary({ payload, compressed });
      return;
    }
    this.#inboxBytes += payload.length;
    inbox.push({ payload, compressed });
    if (this.#isCrowded(inbox)) this.#stream.pause();
  }

  #runUnary(received: Received): void {
    const { name, router } = this.#host;
    const route = this.#route as Route;
    const context = this.#context as GrpcContext;
    this.#running = true;
    let result: unknown;
    try {
      const body = this.#decode(received);
      const { contentType } = this.#head as RequestHead;
      result = route.invoke(
        { service: name, endpoint: route.name, contentType, streaming: false, body },
        context,
      );
    } catch (thrown) {
      this.#finish(router.failure(thrown, route.name));
      return;
    }
    if (isPromiseLike(result)) {
      result.then(
        (value) => this.#succeed(value),
        (thrown) => this.#finish(router.failure(thrown, route.name)),
      );
    } else this.#succeed(result);
  }

  #succeed(value: unknown): void {
    let frame: Buffer;
    try {
      frame = this.#encode(value);
    } catch (thrown) {
      this.#finish(this.#host.router.failure(thrown, this.#route?.name ?? ""));
      return;
    }
    this.#running = false;
    this.#context?.finish();
    if (this.#isGone()) {
      this.#settle();
      return;
    }
    this.#answered = true;
    this.#respond();
    this.#stream.end(frame);
  }

  #openStream(route: Route, context: GrpcContext): void {
    const inbox = new Inbox<Received, unknown>(
      (received) => {
        this.#inboxBytes -= received.payload.length;
        return this.#decode(received);
      },
      () => {
        if (!this.#isCrowded(inbox)) this.#stream.resume();
      },
    );
    this.#inbox = inbox;
    this.#running = true;
    void this.#runStream(route, context, inbox);
  }

  /** Runs the handler to its end. Never rejects. */
  async #runStream(route: Route, context: GrpcContext, inbox: Inbox<Received, unknown>): Promise<void> {
    const { name, router } = this.#host;
    // The headers are read to their end before the handler runs, and a failure there comes first.
    await null;
    let failure: MicroError | undefined;
    try {
      if (this.#error !== undefined) throw this.#error;
      const { contentType } = this.#head as RequestHead;
      const request = { service: name, endpoint: route.name, contentType, streaming: true, body: inbox };
      for await (const value of iterable(route.name, await route.invoke(request, context))) {
        // Leaving the loop runs the handler's `finally` blocks.
        if (this.#isGone()) break;
        await this.#send(this.#encode(value));
        if (this.#isGone()) break;
      }
    } catch (thrown) {
      // A handler that gives up because the caller left has not failed.
      failure = this.#isGone() ? MicroError.from(thrown) : router.failure(thrown, route.name);
    }
    void inbox.return();
    this.#finish(failure);
  }

  /** Resolves when more may be sent. */
  #send(frame: Buffer): Promise<void> | undefined {
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

  /** The request can't be served; no handler is running for it, or it is told by its requests. */
  #fail(thrown: unknown): void {
    const error = MicroError.from(thrown);
    if (this.#inbox !== undefined && this.#running) {
      this.#error = error;
      this.#context?.cancel(error);
      this.#inbox.fail(error);
      return;
    }
    this.#finish(error);
  }

  /** The handler has ended, or there is none: sends the status. */
  #finish(error: MicroError | undefined): void {
    this.#running = false;
    this.#context?.finish();
    if (this.#answered || this.#isGone()) {
      this.#settle();
      return;
    }
    this.#answered = true;
    this.#complete = true;
    this.#error = error;
    const stream = this.#stream;
    const early = !stream.headersSent;
    if (early && error !== undefined && isEmpty(this.#grpc.header)) {
      // One block of headers, which then is the trailers as well.
      const headers = this.#responseHeaders();
      this.#writeStatus(headers, error);
      stream.respond(headers, { endStream: true, sendDate: false } as object);
      this.#stopReading();
      return;
    }
    if (early) this.#respond();
    stream.end();
  }

  #respond(): void {
    const headers = this.#responseHeaders();
    toHeaders(this.#grpc.header, headers);
    this.#stream.respond(headers, { waitForTrailers: true, sendDate: false } as object);
  }

  #responseHeaders(): Record<string, string | number> {
    const headers: Record<string, string | number> = {
      ":status": 200,
      "content-type": this.#format?.contentType ?? "application/grpc",
    };
    if (this.#head?.readsGzip && this.#grpc.compress) headers["grpc-encoding"] = "gzip";
    return headers;
  }

  #sendTrailers(): void {
    const trailers: Record<string, string> = {};
    try {
      toHeaders(this.#grpc.trailer, trailers);
    } catch (thrown) {
      this.#error ??= MicroError.from(thrown);
    }
    if (this.#error === undefined) trailers["grpc-status"] = "0";
    else writeStatus(this.#error, trailers);
    if (this.#isGone()) return;
    this.#stream.sendTrailers(trailers);
    this.#stopReading();
  }

  #writeStatus(headers: Record<string, string | number>, error: MicroError): void {
    writeStatus(error, headers);
    headers["grpc-accept-encoding"] = encodings;
    toHeaders(this.#grpc.trailer, headers);
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

  #decode({ payload, compressed }: Received): unknown {
    if (this.#error !== undefined) throw this.#error;
    const { maxReceiveMessageBytes } = this.#host.settings;
    const bytes = compressed ? decompress(payload, this.#head?.encoding, maxReceiveMessageBytes) : payload;
    this.#grpc.requestCompressed = compressed;
    const { requestType } = this.#route as Route;
    try {
      return (this.#format as Format).decode(bytes, "request", requestType) ?? {};
    } catch (thrown) {
      const { detail } = MicroError.from(thrown);
      throw new GrpcError({
        code: statusCode.internal,
        message: `grpc: failed to unmarshal the received message ${detail}`,
      });
    }
  }

  #encode(value: unknown): Buffer {
    const payload = (this.#format as Format).encode(value, "response", this.#route?.responseType);
    const compressed = this.#head?.readsGzip === true && this.#grpc.compress;
    const bytes = compressed ? compress(payload) : payload;
    const { maxSendMessageBytes } = this.#host.settings;
    if (bytes.length <= maxSendMessageBytes) return encodeFrame(bytes, compressed);
    throw new GrpcError({
      code: statusCode.resourceExhausted,
      message: `grpc: trying to send message larger than max (${bytes.length} vs. ${maxSendMessageBytes})`,
    });
  }

  #isCrowded(inbox: Inbox<Received, unknown>): boolean {
    return inbox.size >= inboxSize || (this.#inboxBytes >= inboxBytes && inbox.size > 0);
  }

  /** Nothing can be sent any more. */
  #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #closed(): void {
    if (!this.#answered) this.abort(callerGone());
    this.#settle();
  }

  #settle(): void {
    if (!this.#running && this.#stream.destroyed) this.#ended(this);
  }
}

function callerGone(): MicroError {
  const detail = "the caller has gone away";
  return new MicroError({ id: "go.micro.server", code: 499, detail, reason: "cancelled" });
}

function isEmpty(metadata: object): boolean {
  for (const _ in metadata) return false;
  return true;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

function iterable(endpoint: string, answers: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof answers === "object" && answers !== null) {
    if (Symbol.asyncIterator in answers) return answers as AsyncIterable<unknown>;
    if (Symbol.iterator in answers) return answers as Iterable<unknown>;
  }
  throw internalServerError(
    "go.micro.server",
    `the handler of the stream ${endpoint} gave no answers to iterate over; write it as async function*`,
  );
}
