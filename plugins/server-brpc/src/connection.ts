import type { Duplex } from "node:stream";
import {
  brpcError,
  decodeMeta,
  encodeFrame,
  errno,
  type Frame,
  FrameReader,
  RpcMeta,
  RpcResponseMeta,
  StallWatch,
} from "@ts-micro/brpc-wire";
import { type Logger, MicroError } from "ts-micro";
import type { Codec } from "ts-micro/codec";
import type { Router } from "ts-micro/server";
import { localAddressOf, remoteAddressOf } from "ts-micro/transport";
import { answerFrame, errorFrame } from "./answer.ts";
import type { BrpcContext } from "./call.ts";
import { type HealthServer, looksLikeHttp } from "./health.ts";
import type { BrpcSettings } from "./options.ts";
import { type Request, readRequest } from "./request.ts";

/** What all connections of a server share. */
export interface ConnectionHost extends BrpcSettings {
  /** The service's name, for `ServerRequest`. */
  readonly service: string;
  readonly router: Router;
  readonly logger: Logger;
  readonly proto: Codec;
  readonly json: Codec;
  readonly health: HealthServer;
  closed(connection: Connection): void;
}

/** How long a peer may take to close its side after this one has, in milliseconds. */
const lingerMs = 1_000;

/** One connection: runs the calls that come in, all at once, and answers each when it is done. */
export class Connection {
  readonly local: string;
  readonly remote: string;
  readonly #host: ConnectionHost;
  readonly #socket: Duplex;
  readonly #reader: FrameReader;
  readonly #stall: StallWatch;
  readonly #running = new Set<BrpcContext>();
  #first = true;
  #corked = false;
  /** More was written than the peer has taken. */
  #blocked = false;
  #paused = false;
  /** Set when no more calls are taken. */
  #finishing: Promise<void> | undefined;
  #whenIdle = (): void => {};

  constructor(host: ConnectionHost, socket: Duplex) {
    this.#host = host;
    this.#socket = socket;
    this.local = localAddressOf(socket);
    this.remote = remoteAddressOf(socket);
    this.#reader = new FrameReader({
      maxBodyBytes: host.maxBodyBytes,
      onSkipped: (problem) => this.#log(`passed over a frame: ${problem}`),
    });
    this.#stall = new StallWatch(host.stallTimeoutMs, () => {
      this.#refuse(`nothing came for ${host.stallTimeoutMs} ms in the middle of a frame`);
    });
    socket.on("data", this.#read);
    socket.on("drain", () => this.#unblock());
    socket.on("end", () => {
      if (this.#reader.midFrame) this.#log("the caller left in the middle of a frame");
    });
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.#stall.stop();
      this.#cancel(new MicroError({ id: "brpc", code: 499, detail: "the caller has gone away" }));
      host.closed(this);
    });
  }

  /**
   * Asks the caller to go elsewhere with further calls (docs/decisions/0322-brpc-goodbye.md). Those that come
   * nevertheless are served.
   */
  sayGoodbye(): void {
    this.#send(goodbye(errno.logOff, "the server is stopping"));
  }

  /** Takes no more calls, and closes when those in flight are answered. Resolves when it is closed. Idempotent. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  async #finish(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((idle) => (this.#whenIdle = idle));
    if (this.#socket.destroyed) return;
    this.#send(goodbye(errno.close, "the server has stopped"));
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    let late: NodeJS.Timeout | undefined;
    // Counted from when the caller has everything: a long answer takes its time.
    this.#socket.end(() => {
      late = setTimeout(() => this.#socket.destroy(), lingerMs);
    });
    await closed;
    clearTimeout(late);
  }

  /** Closes at once. */
  destroy(reason: MicroError): void {
    this.#cancel(reason);
    this.#socket.destroy();
  }

  readonly #read = (chunk: Buffer): void => {
    if (this.#first) {
      this.#first = false;
      if (looksLikeHttp(chunk)) {
        this.#handOver(chunk);
        return;
      }
    }
    try {
      this.#reader.read(chunk, (frame) => this.#frame(frame));
      if (!this.#paused) this.#stall.heard(this.#reader.midFrame);
    } catch (thrown) {
      this.#refuse(MicroError.from(thrown).detail);
    }
  };

  /** It is none of this protocol's connections. */
  #handOver(chunk: Buffer): void {
    this.#host.closed(this);
    this.#socket.off("data", this.#read);
    this.#socket.pause();
    this.#socket.unshift(chunk);
    this.#host.health.serve(this.#socket);
    process.nextTick(() => this.#socket.resume());
  }

  #frame(frame: Frame): void {
    // What follows broken bytes in the same chunk is not looked at.
    if (this.#socket.destroyed) return;
    let meta: RpcMeta;
    try {
      meta = decodeMeta(frame.meta);
    } catch (thrown) {
      this.#refuse(`the meta of a frame can't be read: ${(thrown as Error).message}`);
      return;
    }
    if (this.#finishing !== undefined) {
      this.#fail(meta, brpcError(errno.logOff, "Server is stopping"));
      return;
    }
    let request: Request;
    try {
      request = readRequest(this.#host, meta, frame, { local: this.local, remote: this.remote });
    } catch (thrown) {
      const { serviceName = "", methodName = "" } = meta.request ?? {};
      this.#fail(meta, this.#host.router.failure(thrown, `${serviceName}.${methodName}`));
      return;
    }
    void this.#run(meta, request);
  }

  /** Never rejects. */
  async #run(meta: RpcMeta, { route, context, request }: Request): Promise<void> {
    this.#running.add(context);
    this.#regulate();
    try {
      const value = await route.invoke(request, context);
      this.#send(answerFrame(this.#host, meta, context, route, value));
    } catch (thrown) {
      this.#fail(meta, this.#host.router.failure(thrown, route.name), context);
    }
    context.finish();
    this.#running.delete(context);
    if (this.#running.size === 0) this.#whenIdle();
    this.#regulate();
  }

  #fail(meta: RpcMeta, error: MicroError, context?: BrpcContext): void {
    this.#send(errorFrame(meta, error, this.local, context));
  }

  /** Frames of one turn of the event loop leave together. */
  #send(frame: Buffer): void {
    if (!this.#socket.writable) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    if (!this.#socket.write(frame)) {
      this.#blocked = true;
      this.#regulate();
    }
  }

  #unblock(): void {
    this.#blocked = false;
    this.#regulate();
  }

  /** Reads only while what is read can be dealt with. */
  #regulate(): void {
    const pause = this.#blocked || this.#running.size >= this.#host.maxInFlight;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) {
      this.#socket.pause();
      this.#stall.stop();
    } else {
      this.#socket.resume();
      this.#stall.heard(this.#reader.midFrame);
    }
  }

  /** bRPC's clients can't be told why: the protocol has no place for it. */
  #refuse(why: string): void {
    this.#log(`closed the connection: ${why}`);
    this.#socket.destroy();
  }

  #log(text: string): void {
    this.#host.logger.warn(text, { remote: this.remote });
  }

  #cancel(reason: MicroError): void {
    for (const context of this.#running) context.cancel(reason);
  }
}

/** A response to no request: bRPC's own clients, whose correlation ids are never 0, drop it. */
function goodbye(code: number, text: string): Buffer {
  const meta = new RpcMeta();
  meta.response = new RpcResponseMeta();
  meta.response.errorCode = code;
  meta.response.errorText = text;
  meta.correlationId = 0n;
  return encodeFrame(meta, Buffer.alloc(0));
}
