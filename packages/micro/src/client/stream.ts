import { encodeBody } from "../codec/body.ts";
import type { MessageType } from "../codec/codec.ts";
import { MicroError, serviceUnavailable } from "../errors.ts";
import { endOfStream, headers } from "../headers.ts";
import { type Metadata, newMetadata } from "../metadata.ts";
import { bodyLength, newMessage } from "../transport/message.ts";
import type { Message } from "../transport/transport.ts";
import type { ClientStream, StreamRequest } from "./client.ts";
import type { StreamAttempt } from "./client-over.ts";
import type { Connection, Receiver } from "./connection.ts";
import type { Limit } from "./limit.ts";
import type { Mucp } from "./mucp.ts";
import { checkRequest, type Format, formatFor, readAnswer, writeHeader } from "./wire.ts";

/** Answers kept for a slow reader before the server is made to wait. */
const maxWaiting = 64;
/** The same in bytes of their bodies. */
const maxWaitingBytes = 1 << 20;

/** Dials, sends the handshake and gives the stream. */
export async function openStream(mucp: Mucp, attempt: StreamAttempt): Promise<ClientStream> {
  const { node, request, metadata: header, deadline, limit } = attempt;
  const format = formatFor(request.contentType ?? mucp.settings.contentType, node, mucp.settings.codecs);
  const id = mucp.nextId();
  // One connection per stream: go-micro's servers may send anything on it at any time.
  const connection = await mucp.pool.dial(mucp.transport(), request.service, node.address, limit);
  const remainingMs = deadline - performance.now();
  writeHeader(header, request, format, id, remainingMs);
  header[headers.stream] = id;
  try {
    const stream = new MucpStream({ mucp, request, format, connection, header, remainingMs });
    // The server looks only at the headers of the first message, so it must not be one of the caller's.
    stream.handshake();
    return stream;
  } catch (thrown) {
    connection.destroy();
    throw thrown;
  }
}

interface StreamParts {
  mucp: Mucp;
  request: StreamRequest;
  format: Format;
  connection: Connection;
  header: Metadata;
  remainingMs: number;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

class MucpStream implements ClientStream, Receiver {
  readonly #parts: StreamParts;
  readonly #connection: Connection;
  readonly #limit: Limit | undefined;
  /** Arrived and not read yet. */
  readonly #answers: Message[] = [];
  #answerBytes = 0;
  #paused = false;
  /** Who waits for an answer, and who waits until more can be sent. */
  readonly #readers: Waiter<IteratorResult<unknown>>[] = [];
  readonly #senders: Waiter<void>[] = [];
  /** The caller has said that no more requests follow. */
  #sendEnded = false;
  /** The server has said that it will confirm the end of the stream. */
  #confirms = false;
  /** Limits the wait for a server that hasn't said so. */
  #silence: Limit | undefined;
  /** Set when no more answers arrive. The error is thrown once, after those that wait to be read. */
  #ended: { error: MicroError | undefined } | undefined;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#connection = parts.connection;
    this.#connection.receive(this);
    const limit = parts.mucp.path.limit(parts.request, parts.remainingMs, (error) => this.#abort(error));
    limit.doing = "streaming with";
    limit.address = parts.connection.address;
    // It may have ended the stream already.
    if (this.#ended === undefined) this.#limit = limit;
    else parts.mucp.path.done(limit);
  }

  handshake(): void {
    const { format } = this.#parts;
    // What a codec can encode without knowing a type: `{}` where it writes JSON, nothing elsewhere.
    this.#write(format.contentType.includes("json") ? {} : new Uint8Array(0), undefined);
  }

  send(body: unknown): Promise<void> {
    return handled(this.#send(body));
  }

  end(): Promise<void> {
    return handled(this.#end());
  }

  async close(): Promise<void> {
    this.#abort(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return {
      next: () => this.#next(),
      return: async (value) => {
        await this.close();
        return { done: true, value };
      },
    };
  }

  message(message: Message): void {
    // The server gave up for the same deadline: that must not look like an end of the handler's own.
    if (this.#limit?.isOver()) {
      this.#limit.expire();
      return;
    }
    const error = message.header[headers.error];
    if (error === endOfStream) this.#finish(undefined);
    else if (error !== undefined && error !== "") this.#finish(MicroError.parse(error));
    else if (message.header[headers.halfClose] !== undefined) this.#confirms = true;
    else this.#deliver(message);
    this.#limitSilence();
  }

  drain(): void {
    for (const sender of this.#senders.splice(0)) sender.resolve();
  }

  closed(error: MicroError): void {
    this.#finish(error);
  }

  async #send(body: unknown): Promise<void> {
    if (this.#ended?.error !== undefined) throw this.#ended.error;
    if (this.#sendEnded || this.#ended !== undefined) throw this.#noMoreRequests();
    if (!this.#write(body, this.#parts.request.requestType)) await this.#drained();
  }

  async #end(): Promise<void> {
    if (this.#sendEnded || this.#ended !== undefined) return;
    this.#sendEnded = true;
    const header = newMetadata(this.#parts.header);
    header[headers.error] = endOfStream;
    header[headers.halfClose] = "true";
    const free = this.#connection.send({ header, body: new Uint8Array(0) });
    this.#limitSilence();
    if (!free) await this.#drained();
  }

  /** False: much is waiting to be sent. */
  #write(body: unknown, type: MessageType | undefined): boolean {
    const { request, format, header } = this.#parts;
    const id = header[headers.id] ?? "";
    const frame = { kind: "request", id, endpoint: request.endpoint, error: "" } as const;
    const encoded = encodeBody(format.codec, body, frame, type);
    checkRequest(encoded, this.#parts.mucp.transport(), request.endpoint);
    return this.#connection.send(newMessage(header, encoded));
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => this.#senders.push({ resolve, reject }));
  }

  #next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serveReaders();
      this.#limitSilence();
    });
  }

  #deliver(message: Message): void {
    this.#answers.push(message);
    this.#answerBytes += bodyLength(message);
    // go-micro's servers send no end after ours.
    if (this.#parts.request.oneAnswer === true && this.#sendEnded && !this.#confirms) this.#finish(undefined);
    this.#serveReaders();
    if (!this.#paused && (this.#answers.length >= maxWaiting || this.#answerBytes >= maxWaitingBytes)) {
      this.#paused = true;
      this.#connection.pause();
    }
  }

  /** Gives answers, and then the end, to those who wait for them. */
  #serveReaders(): void {
    while (this.#readers.length > 0 && (this.#answers.length > 0 || this.#ended !== undefined)) {
      const reader = this.#readers.shift() as Waiter<IteratorResult<unknown>>;
      const message = this.#answers.shift();
      if (message !== undefined) this.#give(reader, message);
      else if (this.#ended?.error !== undefined) {
        reader.reject(this.#ended.error);
        this.#ended = { error: undefined };
      } else reader.resolve({ done: true, value: undefined });
    }
    if (this.#paused && this.#answers.length <= maxWaiting / 2 && this.#answerBytes < maxWaitingBytes) {
      this.#paused = false;
      this.#connection.resume();
    }
  }

  #give(reader: Waiter<IteratorResult<unknown>>, message: Message): void {
    const { request, format, connection } = this.#parts;
    this.#answerBytes -= bodyLength(message);
    try {
      reader.resolve({ done: false, value: readAnswer(message, request, format, connection.address) });
    } catch (thrown) {
      reader.reject(thrown);
      this.#abort(undefined);
    }
  }

  /** The server has ended the stream, or the connection is gone. What has arrived can still be read. */
  #finish(error: MicroError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    this.#connection.close();
    this.#release();
    this.#serveReaders();
  }

  /** Ends the stream at once: the server notices by the broken connection, and what has arrived is dropped. */
  #abort(error: MicroError | undefined): void {
    this.#answers.length = 0;
    if (this.#ended === undefined) {
      this.#ended = { error };
      this.#connection.destroy();
      this.#release();
    }
    this.#serveReaders();
  }

  #release(): void {
    if (this.#limit !== undefined) this.#parts.mucp.path.done(this.#limit);
    this.#limitSilence();
    const senders = this.#senders.splice(0);
    for (const sender of senders) sender.reject(this.#ended?.error ?? this.#noMoreRequests());
  }

  /**
   * While a reader waits after `end`, for a server that won't confirm the end, the next message has to come
   * within the request timeout (docs/decisions/0011-half-close.md).
   */
  #limitSilence(): void {
    const { mucp, request } = this.#parts;
    if (this.#silence !== undefined) mucp.path.done(this.#silence);
    this.#silence = undefined;
    if (!this.#sendEnded || this.#confirms || this.#ended !== undefined || this.#readers.length === 0) return;
    this.#silence = mucp.path.limit(request, mucp.settings.requestTimeoutMs, (error) => this.#abort(error));
    this.#silence.doing = "waiting, after the end of the requests, for";
    this.#silence.address = this.#connection.address;
  }

  #noMoreRequests(): MicroError {
    const { service, endpoint } = this.#parts.request;
    const detail = `${service} ${endpoint}: the stream takes no more requests`;
    return serviceUnavailable("go.micro.client", detail, { reason: "closed" });
  }
}

/** Who doesn't look at the promise learns of the failure from the answers. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
