import type { Duplex } from "node:stream";
import { internalServerError, MicroError } from "ts-micro";
import type { Limit } from "ts-micro/client";
import { type AnswerFrame, encodeFrame, goodbyeId, type RequestFrame, readFrames } from "./frames.ts";

type Question = Pick<RequestFrame, "service" | "endpoint" | "metadata" | "body">;

interface Pending {
  resolve(body: unknown): void;
  reject(error: MicroError): void;
}

/** The client's end of one connection, shared by all calls to its address. */
export class Connection {
  readonly #socket: Duplex;
  readonly #pending = new Map<number, Pending>();
  #lastId = goodbyeId;
  #leaving = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    readFrames<AnswerFrame>(socket, (frame) => this.#answered(frame));
    socket.on("error", () => {}); // "close" follows and says what matters
    socket.on("close", () => {
      const detail = "the server closed the connection";
      this.close(internalServerError("xrpc", detail, { reason: "connection-lost" }));
    });
  }

  /** False when the next call should open another connection. */
  get usable(): boolean {
    return !this.#leaving && !this.#socket.destroyed;
  }

  /**
   * Sends the request and waits for its answer, or until the limit ends the call: then the handler is told.
   * @throws MicroError the handler's, or one of this side with a `reason`
   */
  async call(question: Question, limit: Limit): Promise<unknown> {
    const id = ++this.#lastId;
    const remainingMs = limit.remainingMs();
    const frame = encodeFrame({
      ...question,
      id,
      ...(remainingMs !== Infinity && { timeoutMs: remainingMs }),
    });
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    const waiting = { interrupt: (error: MicroError) => this.#giveUp(id, error) };
    limit.begin(waiting);
    this.#socket.write(frame);
    try {
      return await answer;
    } finally {
      limit.done(waiting);
    }
  }

  /** Fails what is pending. Idempotent. */
  close(error: MicroError): void {
    this.#socket.destroy();
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  #answered({ id, error, body }: AnswerFrame): void {
    if (id === goodbyeId) this.#leaving = true;
    const call = this.#pending.get(id); // none when it was given up meanwhile
    this.#pending.delete(id);
    if (error === undefined) call?.resolve(body);
    else call?.reject(new MicroError(error));
    if (this.#leaving && this.#pending.size === 0) this.#socket.end();
  }

  #giveUp(id: number, error: MicroError): void {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame({ id, cancel: true }));
    call?.reject(error);
  }
}
