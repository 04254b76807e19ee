import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { type MicroError, serviceUnavailable, type TlsOptions } from "ts-micro";
import { connectTcp } from "ts-micro/transport";
import { dialled } from "./address.ts";

export interface ConnectionOptions {
  readonly tls: TlsOptions | undefined;
  readonly dialTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Received and not yet read: per stream, and per connection. */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 1024 * 1024;

/** One HTTP/2 connection to one address, shared by many calls. */
export class Connection {
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** When its last call ended, on the clock of `performance.now()`. */
  idleSince = performance.now();
  /** Calls on it, and places kept for some. */
  streams = 0;
  /** The last stream that the server has taken, once it has said that it takes no more. */
  lastStreamId = Infinity;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #leaving = false;
  #probing: NodeJS.Timeout | undefined;
  #pings: NodeJS.Timeout | undefined;

  /**
   * Resolves when the server has sent its settings, with which every HTTP/2 connection begins.
   * @throws MicroError 503 `connection-failed` naming the address; 499 `cancelled` by the signal
   */
  static async open(address: string, options: ConnectionOptions): Promise<Connection> {
    const deadline = performance.now() + options.dialTimeoutMs;
    const target = dialled(address, options.tls);
    const socket = await connectTcp(target.address, {
      tls: target.tls,
      alpn: ["h2"],
      timeoutMs: options.dialTimeoutMs,
      signal: options.signal,
    });
    const connection = new Connection(socket, target, options);
    await connection.#greeted(address, deadline - performance.now());
    return connection;
  }

  constructor(socket: Socket, target: { authority: string; tls: unknown }, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.authority = target.authority;
    this.scheme = target.tls === undefined ? "http" : "https";
    const session = connectHttp2(`${this.scheme}://${target.authority}`, {
      createConnection: () => socket,
      // In megabytes. It counts what waits to be sent, and Node's 10 are three long requests.
      maxSessionMemory: 64,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    this.#session = session;
    session.on("error", () => {}); // "close" follows
    session.on("goaway", (_code: number, lastStreamId: number) => {
      this.lastStreamId = lastStreamId;
      this.leave();
    });
    session.on("close", () => {
      clearTimeout(this.#probing);
      clearInterval(this.#pings);
    });
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    if (options.pingIntervalMs > 0) {
      this.#pings = setInterval(() => this.#probe(), options.pingIntervalMs).unref();
    }
  }

  /** No more than the server allows; beyond that, calls wait within the session. */
  get full(): boolean {
    return this.streams >= (this.#session.remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  /** False when further calls must go over another connection. */
  get usable(): boolean {
    return !this.#leaving && this.#probing === undefined && !this.gone && !this.#session.closed;
  }

  /** The connection has broken. */
  get gone(): boolean {
    return this.#socket.destroyed || this.#session.destroyed;
  }

  /** Grows whenever anything arrives. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Keeps a place for one call, until `released`. */
  reserve(): this {
    if (this.streams++ === 0 && !this.#session.destroyed) this.#session.ref();
    return this;
  }

  /**
   * Begins the call that a place was kept for.
   * @throws MicroError 503 `draining` when the connection has come to its end meanwhile. The place is given back.
   */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      return this.#session.request(headers);
    } catch (thrown) {
      this.released();
      throw noMoreCalls(this.authority, thrown);
    }
  }

  released(): void {
    this.streams--;
    if (this.streams > 0) return;
    this.idleSince = performance.now();
    // Nobody waits for it now, so it keeps no program alive.
    if (!this.#session.destroyed) this.#session.unref();
  }

  /**
   * A call has timed out. When nothing has arrived since it was sent, the connection may be dead: it gets a ping, no
   * further calls, and its end after a time of silence.
   * @param bytesRead of the connection, when the call was sent
   */
  timedOut(bytesRead: number): void {
    if (this.bytesRead === bytesRead && this.usable) this.#probe();
  }

  /** No further calls: it closes with the last of those that it has. */
  leave(): void {
    this.#leaving = true;
    if (!this.#session.destroyed) this.#session.close();
  }

  /** Closes at once. Its calls fail. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  #probe(): void {
    const session = this.#session;
    if (this.#probing !== undefined || this.gone) return;
    const before = this.bytesRead;
    const timer = setTimeout(() => {
      this.#probing = undefined;
      if (this.bytesRead === before) this.#socket.destroy();
    }, this.#options.pingTimeoutMs).unref();
    this.#probing = timer;
    session.ping(() => {
      clearTimeout(timer);
      this.#probing = undefined;
    });
  }

  #greeted(address: string, timeoutMs: number): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const failed = (why: string, cause?: unknown): void => {
        settle();
        this.destroy();
        reject(notGreeted(address, why, cause));
      };
      const error = (thrown: Error): void => failed(`it doesn't speak HTTP/2 (${thrown.message})`, thrown);
      const close = (): void => failed("it closed the connection before HTTP/2 began");
      const greeted = (): void => {
        settle();
        session.unref();
        resolve();
      };
      const timer = setTimeout(() => failed("it doesn't answer with HTTP/2"), Math.max(0, timeoutMs));
      const settle = (): void => {
        clearTimeout(timer);
        session.off("error", error).off("close", close).off("remoteSettings", greeted);
      };
      session.on("error", error).on("close", close).on("remoteSettings", greeted);
    });
  }
}

/** Nothing has left, or the server has said that it has not looked at it. */
export function noMoreCalls(authority: string, cause?: unknown): MicroError {
  return serviceUnavailable("go.micro.client", `${authority} takes no more calls on this connection`, {
    reason: "draining",
    ...(cause !== undefined && { cause }),
  });
}

function notGreeted(address: string, why: string, cause?: unknown): MicroError {
  return serviceUnavailable("go.micro.client", `can't connect to ${address}: ${why}`, {
    reason: "connection-failed",
    ...(cause !== undefined && { cause }),
  });
}
