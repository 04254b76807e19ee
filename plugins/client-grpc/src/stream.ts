import type { Format } from "@ts-micro/grpc-wire";
import { internalServerError, MicroError, serviceUnavailable } from "ts-micro";
import type { ClientHost, ClientStream, Limit, StreamAttempt, StreamRequest } from "ts-micro/client";
import { Inbox } from "ts-micro/server";
import type { Grpc } from "./client.ts";
import { Exchange, type Receiver } from "./exchange.ts";
import { type GrpcOptions, grpcOptionsOf } from "./grpc-options.ts";
import { encodeRequest } from "./message.ts";
import type { GrpcSettings } from "./options.ts";
import { complete, contentTypeFor, requestHeaders } from "./request.ts";

/** Answers kept for a slow reader before the server is made to wait, and the same in bytes. */
const maxWaiting = 64;
const maxWaitingBytes = 1024 * 1024;

/** Sends the headers, with which a stream is open. */
export async function openStream(grpc: Grpc, attempt: StreamAttempt): Promise<ClientStream> {
  const { node, request, metadata, deadline, limit } = attempt;
  const options = grpcOptionsOf(request);
  const contentType = contentTypeFor(request, grpc.contentType);
  const format = grpc.formats.find(contentType);
  const compressed = options.compress ?? grpc.settings.compression === "gzip";
  const partial = requestHeaders({ request, metadata, contentType, format, compressed });
  const { address } = node;
  const connection =
    grpc.connections.take(address) ?? (await grpc.connections.get(request.service, address, limit));
  const remainingMs = deadline - performance.now();
  const headers = complete(partial, connection, remainingMs);
  const stream = new GrpcStream(grpc, { request, format, options, address });
  stream.begin(
    new Exchange(connection, headers, stream, options, grpc.settings.maxReceiveMessageBytes),
    remainingMs,
  );
  return stream;
}

interface StreamParts {
  readonly request: StreamRequest;
  readonly format: Format;
  readonly options: GrpcOptions;
  readonly address: string;
}

class GrpcStream implements ClientStream, Receiver {
  readonly #parts: StreamParts;
  readonly #path: ClientHost["path"];
  readonly #settings: GrpcSettings;
  readonly #answers: Inbox<Buffer, unknown>;
  #bytes = 0;
  #exchange: Exchange | undefined;
  #limit: Limit | undefined;
  #paused = false;
  #sendEnded = false;
  /** Nothing can be sent any more; with why, when that is no good end. */
  #ended: { error: MicroError | undefined } | undefined;

  constructor({ path, settings }: Grpc, parts: StreamParts) {
    this.#parts = parts;
    this.#path = path;
    this.#settings = settings;
    this.#answers = new Inbox(
      (payload) => this.#decode(payload),
      () => this.#regulate(),
    );
  }

  begin(exchange: Exchange, remainingMs: number): void {
    this.#exchange = exchange;
    const limit = this.#path.limit(this.#parts.request, remainingMs, (error) => this.#abort(error));
    limit.doing = "streaming with";
    limit.address = this.#parts.address;
    // It may have ended the stream already.
    if (this.#ended === undefined) this.#limit = limit;
    else this.#path.done(limit);
  }

  send(body: unknown): Promise<void> {
    return handled(this.#send(body));
  }

  async end(): Promise<void> {
    if (this.#sendEnded || this.#ended !== undefined) return;
    this.#sendEnded = true;
    this.#exchange?.finish();
  }

  async close(): Promise<void> {
    void this.#answers.return();
    this.#abort(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return {
      next: () => this.#answers.next(),
      return: async (value) => {
        await this.close();
        return { done: true, value };
      },
    };
  }

  received(payload: Buffer): void {
    this.#bytes += payload.length;
    this.#answers.push(payload);
    this.#regulate();
  }

  finished(error: MicroError | undefined): void {
    // The server gave up for the same deadline: that must not look like an end of the handler's own.
    if (this.#limit?.isOver()) {
      this.#limit.expire();
      return;
    }
    this.#finish(error);
    if (error === undefined) this.#answers.end();
    else this.#answers.fail(error);
  }

  async #send(body: unknown): Promise<void> {
    if (this.#sendEnded) throw this.#noMoreRequests();
    this.#throwIfEnded();
    const { request, format, options } = this.#parts;
    const compressed = options.compress ?? this.#settings.compression === "gzip";
    const frame = encodeRequest(body, request.requestType, format, compressed, this.#settings);
    const exchange = this.#exchange as Exchange;
    if (exchange.write(frame)) return;
    await exchange.drained();
    this.#throwIfEnded();
  }

  #throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended.error ?? this.#noMoreRequests();
  }

  #decode(payload: Buffer): unknown {
    this.#bytes -= payload.length;
    const { request, format, address } = this.#parts;
    try {
      return format.decode(payload, "response", request.responseType);
    } catch (thrown) {
      const detail = `can't read the answer of ${address}: ${MicroError.from(thrown).detail}`;
      const reason = "decode-failed";
      const error = internalServerError("go.micro.client.codec", detail, { reason, cause: thrown });
      this.#abort(error);
      throw error;
    }
  }

  /** Reads only what somebody will read. */
  #regulate(): void {
    const crowded =
      this.#answers.size >= maxWaiting || (this.#bytes >= maxWaitingBytes && this.#answers.size > 0);
    if (crowded === this.#paused) return;
    this.#paused = crowded;
    if (crowded) this.#exchange?.pause();
    else this.#exchange?.resume();
  }

  /** Ends the stream at once. */
  #abort(error: MicroError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#exchange?.cancel(error);
    this.#finish(error);
    if (error === undefined) this.#answers.end();
    else this.#answers.fail(error);
  }

  #finish(error: MicroError | undefined): void {
    this.#ended ??= { error };
    if (this.#limit !== undefined) this.#path.done(this.#limit);
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
