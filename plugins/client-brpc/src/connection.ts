import type { Socket } from "node:net";
import { decodeMeta, errno, type Frame, FrameReader, type RpcMeta, StallWatch } from "@ts-micro/brpc-wire";
import { internalServerError, MicroError, serviceUnavailable } from "ts-micro";
import type { Limit } from "ts-micro/client";
import type { BrpcSettings } from "./options.ts";

export interface Answer {
  readonly meta: RpcMeta;
  readonly frame: Frame;
}

export type ConnectionSettings = Pick<BrpcSettings, "maxBodyBytes" | "stallTimeoutMs">;

/** Bytes that may wait for a server that doesn't read, until calls are refused. bRPC: `-socket_max_unwritten_bytes`. */
const maxUnwrittenBytes = 64 << 20;

/** How long a server may take to close its side after this one has, in milliseconds. One that fell silent never does. */
const lingerMs = 1_000;

/** The client's end of one connection. Any number of calls may be in flight on it. */
export class Connection {
  readonly address: string;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #stall: StallWatch;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #corked = false;
  #retired = false;
  /** When the last byte came, on the clock of `performance.now()`. */
  #heardAt = performance.now();
  /** Why it ended, when this side knows. */
  #failure: MicroError | undefined;

  constructor(
    address: string,
    socket: Socket,
    { maxBodyBytes, stallTimeoutMs }: ConnectionSettings,
    onClose: () => void,
  ) {
    this.address = address;
    this.#socket = socket;
    this.#reader = new FrameReader({ maxBodyBytes });
    this.#stall = new StallWatch(stallTimeoutMs, () => {
      this.destroy(lost(address, `nothing came for ${stallTimeoutMs} ms in the middle of an answer`));
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => {
      this.#failure ??= lost(address, error.message);
    });
    socket.on("close", () => {
      this.#stall.stop();
      const when = this.#reader.midFrame ? "in the middle of an answer" : "before the answer came";
      this.#failAll(this.#failure ?? lost(address, `closed ${when}`));
      onClose();
    });
    socket.unref();
  }

  /** False when the next call should have another connection. */
  get usable(): boolean {
    return !this.#retired && this.#socket.writable;
  }

  /**
   * Sends what `frame` makes and waits for the answer, or until the limit ends the call.
   * @param frame is given the correlation id
   */
  call(frame: (id: number) => Buffer, limit: Limit): Promise<Answer> {
    // It may have ended since it was taken.
    if (!this.#socket.writable) return Promise.reject(neverLeft(this.address));
    if (this.#socket.writableLength > maxUnwrittenBytes) return Promise.reject(overcrowded(this.address));
    const id = ++this.#lastId;
    const bytes = frame(id);
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        limit,
        sentAt: performance.now(),
        resolve,
        reject,
        interrupt: (error) => this.#giveUp(id, pending, error),
      };
      if (this.#pending.size === 0) this.#socket.ref();
      this.#pending.set(id, pending);
      limit.begin(pending);
      if (this.#pending.has(id)) this.#write(bytes);
    });
  }

  /** Takes no further calls, and closes when those in flight have ended. Idempotent. */
  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  /** Breaks the connection; calls in flight fail with `error`. */
  destroy(error: MicroError): void {
    this.#failure ??= error;
    this.#failAll(this.#failure);
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#heardAt = performance.now();
    try {
      this.#reader.read(chunk, (frame) => this.#frame(frame));
      this.#stall.heard(this.#reader.midFrame);
    } catch (thrown) {
      const { detail, code, reason } = MicroError.from(thrown);
      this.destroy(
        new MicroError({
          id: "brpc",
          code: reason === "too-large" ? code : 500,
          detail: `connection to ${this.address} closed, the server sent bytes that can't be read: ${detail}`,
          reason: reason ?? "decode-failed",
          cause: thrown,
        }),
      );
    }
  }

  #frame(frame: Frame): void {
    const meta = decodeMeta(frame.meta);
    const id = Number(meta.correlationId ?? 0n);
    const code = meta.response?.errorCode ?? 0;
    if (id === 0 && code === errno.close) this.#stopped();
    // Whoever was answered so, others should not try.
    if (code === errno.logOff) this.#retired = true;
    const pending = this.#pending.get(id);
    // There is none when the call was given up meanwhile.
    if (pending !== undefined) {
      this.#end(id, pending);
      // The server gave up for the same deadline: that must not look like an answer of the handler's own.
      if (pending.limit.isOver()) pending.reject(pending.limit.expire());
      else pending.resolve({ meta, frame });
    }
    this.#closeWhenIdle();
  }

  /** The server has answered all it took (docs/decisions/0322-brpc-goodbye.md). */
  #stopped(): void {
    this.#retired = true;
    const detail = `${this.address} is shutting down and did not take the request`;
    this.#failAll(serviceUnavailable("brpc", detail, { reason: "draining" }));
  }

  #giveUp(id: number, pending: Pending, error: MicroError): void {
    this.#end(id, pending);
    // Not one byte since the request left: perhaps nobody is there any more. Further calls dial anew, which tells;
    // those in flight may still be answered.
    if (error.reason === "timeout" && this.#heardAt < pending.sentAt) this.#retired = true;
    this.#closeWhenIdle();
    pending.reject(error);
  }

  #end(id: number, pending: Pending): void {
    pending.limit.done(pending);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#socket.unref();
  }

  #closeWhenIdle(): void {
    if (!this.#retired || this.#pending.size > 0) return;
    this.#socket.end();
    this.#socket.setTimeout(lingerMs, () => this.#socket.destroy());
  }

  #failAll(error: MicroError): void {
    for (const [id, pending] of [...this.#pending]) {
      this.#end(id, pending);
      pending.reject(error);
    }
  }

  /** Frames of one turn of the event loop leave together. */
  #write(frame: Buffer): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }
}

interface Pending {
  readonly limit: Limit;
  readonly sentAt: number;
  resolve(answer: Answer): void;
  reject(error: MicroError): void;
  interrupt(error: MicroError): void;
}

/** A 500: the handler may have run, so 503 would be wrong. */
function lost(address: string, why: string): MicroError {
  return internalServerError("brpc", `connection to ${address} lost: ${why}`, { reason: "connection-lost" });
}

function neverLeft(address: string): MicroError {
  const detail = `connection to ${address} closed before the request was sent`;
  return serviceUnavailable("brpc", detail, { reason: "connection-failed" });
}

function overcrowded(address: string): MicroError {
  const detail = `${address} doesn't read: more than ${maxUnwrittenBytes} bytes wait for it`;
  return serviceUnavailable("brpc", detail);
}
