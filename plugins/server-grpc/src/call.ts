import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import {
  decompress,
  type Format,
  GrpcError,
  MessageReader,
  parsePath,
  statusCode,
} from "@ts-micro/grpc-wire";
import { MicroError } from "ts-micro";
import {
  answersInARow,
  Inbox,
  isPromiseLike,
  iterable,
  nextTurn,
  type Route,
  type Router,
} from "ts-micro/server";
import { findRoute } from "./find-route.ts";
import { GrpcContext, newGrpcCall } from "./grpc-call.ts";
import type { GrpcSettings } from "./options.ts";
import type { OwnServices } from "./own-services.ts";
import { Reply } from "./reply.ts";
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
  readonly #reply: Reply;
  readonly #ended: (call: Call) => void;
  readonly #grpc: ReturnType<typeof newGrpcCall>;
  #head: RequestHead | undefined;
  #route: Route | undefined;
  #context: GrpcContext | undefined;
  #reader: MessageReader | undefined;
  /** Of a streaming endpoint. */
  #inbox: Inbox<Received, unknown> | undefined;
  #inboxBytes = 0;
  /** A unary endpoint has its message, or no more will come. */
  #complete = false;
  /** The handler runs. */
  #running = false;
  /** What is wrong with the request, for a handler that reads it. */
  #wrong: MicroError | undefined;

  /** @param ended called once, when the stream is closed and the handler has ended */
  constructor(host: CallHost, stream: ServerHttp2Stream, path: string, ended: (call: Call) => void) {
    this.#host = host;
    this.#stream = stream;
    this.#ended = ended;
    this.#grpc = newGrpcCall(path, host.settings.compression === "gzip");
    this.#reply = new Reply(stream, this.#grpc, host.settings.maxSendMessageBytes);
    stream.on("error", () => {}); // "close" follows and says what matters
    stream.on("close", () => this.#closed());
  }

  start(headers: IncomingHttpHeaders, ends: Ends): void {
    try {
      const refusal = this.#refusal(headers);
      if (refusal !== undefined) {
        this.#reply.refuse(refusal);
        return;
      }
      const head = readHead(headers);
      this.#head = head;
      this.#reply.readsGzip = head.readsGzip;
      const route = findRoute(parsePath(head.path), this.#host.router, this.#host.ownServices);
      const metadata = readMetadata(headers, ends.local, ends.remote);
      const { timeoutMs } = head;
      this.#context = new GrpcContext({ metadata, timeoutMs, peer: { address: ends.remote } }, this.#grpc);
      this.#route = route;
      if (route.streaming) this.#openStream(route, this.#context);
      this.#read();
    } catch (thrown) {
      this.#finish(MicroError.from(thrown));
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
      this.#reply.format = this.#host.formats.find(headers["content-type"] ?? "");
    } catch (thrown) {
      // Told when the request is decoded, as go-micro does.
      this.#wrong = MicroError.from(thrown);
      return undefined;
    }
    return this.#reply.format === undefined ? 415 : undefined;
  }

  #read(): void {
    const reader = new MessageReader(this.#host.settings.maxReceiveMessageBytes, (payload, compressed) =>
      this.#message({ payload, compressed }),
    );
    this.#reader = reader;
    this.#stream.on("data", (chunk: Buffer) => {
      // What comes after a unary endpoint's message, or after the answer, is of no interest.
      if (this.#complete || this.#reply.finished) return;
      try {
        reader.push(chunk);
      } catch (thrown) {
        this.#reject(MicroError.from(thrown));
      }
    });
    this.#stream.on("end", () => this.#noMore());
  }

  #message(received: Received): void {
    if (this.#complete) return;
    const inbox = this.#inbox;
    if (inbox === undefined) {
      this.#complete = true;
      this.#runUnary(received, this.#route as Route, this.#context as GrpcContext);
      return;
    }
    this.#inboxBytes += received.payload.length;
    inbox.push(received);
    if (this.#isCrowded(inbox)) this.#stream.pause();
  }

  /** The caller sends no more. */
  #noMore(): void {
    if (this.#complete || this.#reply.finished) return;
    this.#complete = true;
    if (this.#reader?.incomplete) {
      this.#reject(
        new GrpcError({ code: statusCode.internal, message: "the request ends within a message" }),
      );
    } else if (this.#inbox !== undefined) this.#inbox.end();
    // go-micro's text for a unary request without a message.
    else this.#finish(new GrpcError({ code: statusCode.unknown, message: "EOF" }));
  }

  /** The request is no good. A handler that is reading it gets that from its requests, and says it. */
  #reject(error: MicroError): void {
    this.#complete = true;
    if (this.#inbox === undefined) {
      this.#finish(error);
      return;
    }
    this.#wrong ??= error;
    this.#context?.cancel(error);
    this.#inbox.fail(error);
  }

  #runUnary(received: Received, route: Route, context: GrpcContext): void {
    this.#running = true;
    let result: unknown;
    try {
      result = route.invoke(this.#request(route, false, this.#decode(received)), context);
    } catch (thrown) {
      this.#fail(thrown, route);
      return;
    }
    if (isPromiseLike(result)) {
      result.then(
        (value) => this.#succeed(value, route),
        (thrown) => this.#fail(thrown, route),
      );
    } else this.#succeed(result, route);
  }

  #succeed(value: unknown, route: Route): void {
    try {
      const frame = this.#reply.encode(value, route.responseType);
      if (!this.#reply.gone) this.#reply.answer(frame);
    } catch (thrown) {
      this.#fail(thrown, route);
      return;
    }
    this.#finish(undefined);
  }

  #fail(thrown: unknown, route: Route): void {
    this.#finish(this.#host.router.failure(thrown, route.name));
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
    const reply = this.#reply;
    let failure: MicroError | undefined;
    try {
      if (this.#wrong !== undefined) throw this.#wrong;
      const answers = iterable(route.name, await route.invoke(this.#request(route, true, inbox), context));
      let sent = 0;
      for await (const value of answers) {
        // Leaving the loop runs the handler's `finally` blocks.
        if (reply.gone) break;
        await reply.send(reply.encode(value, route.responseType));
        if (++sent % answersInARow === 0) await nextTurn();
        if (reply.gone) break;
      }
    } catch (thrown) {
      // A handler that gives up because the caller left has not failed.
      failure = reply.gone ? MicroError.from(thrown) : this.#host.router.failure(thrown, route.name);
    }
    void inbox.return();
    this.#finish(failure ?? this.#wrong);
  }

  #request(route: Route, streaming: boolean, body: unknown) {
    const contentType = this.#head?.contentType ?? "";
    return { service: this.#host.name, endpoint: route.name, contentType, streaming, body };
  }

  #decode({ payload, compressed }: Received): unknown {
    if (this.#wrong !== undefined) throw this.#wrong;
    const { maxReceiveMessageBytes } = this.#host.settings;
    const bytes = compressed ? decompress(payload, this.#head?.encoding, maxReceiveMessageBytes) : payload;
    this.#grpc.requestCompressed = compressed;
    try {
      return (this.#reply.format as Format).decode(bytes, "request", this.#route?.requestType) ?? {};
    } catch (thrown) {
      const message = `grpc: failed to unmarshal the received message: ${MicroError.from(thrown).detail}`;
      throw new GrpcError({ code: statusCode.internal, message });
    }
  }

  #isCrowded(inbox: Inbox<Received, unknown>): boolean {
    return inbox.size >= inboxSize || (this.#inboxBytes >= inboxBytes && inbox.size > 0);
  }

  /** The handler has ended, or there is none. */
  #finish(error: MicroError | undefined): void {
    this.#running = false;
    this.#complete = true;
    this.#context?.finish();
    this.#reply.finish(error);
    this.#settle();
  }

  #closed(): void {
    if (!this.#reply.finished) this.abort(callerGone());
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
