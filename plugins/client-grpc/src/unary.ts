import { type Format, GrpcError, statusCode } from "@ts-micro/grpc-wire";
import { internalServerError, MicroError } from "ts-micro";
import type { WireAttempt } from "ts-micro/client";
import type { Grpc } from "./client.ts";
import { Exchange, type Receiver } from "./exchange.ts";
import { grpcOptionsOf } from "./grpc-options.ts";
import { encodeRequest } from "./message.ts";
import { complete, contentTypeFor, requestHeaders } from "./request.ts";

/** One request message, one answer. */
export async function callUnary(grpc: Grpc, attempt: WireAttempt): Promise<unknown> {
  const { node, request, metadata, limit } = attempt;
  const options = grpcOptionsOf(request);
  const contentType = contentTypeFor(request, grpc.contentType);
  const format = grpc.formats.find(contentType);
  const compressed = options.compress ?? grpc.settings.compression === "gzip";
  const frame = encodeRequest(request.body, request.requestType, format, compressed, grpc.settings);
  const partial = requestHeaders({ request, metadata, contentType, format, compressed });
  const { address } = node;
  const connection =
    grpc.connections.take(address) ?? (await grpc.connections.get(request.service, address, limit));
  const headers = complete(partial, connection, limit.remainingMs());
  limit.doing = "waiting for the answer of";
  limit.address = address;
  return new Promise((resolve, reject) => {
    const answer = new Answer(format, attempt, resolve, reject);
    const exchange = new Exchange(connection, headers, answer, options, grpc.settings.maxReceiveMessageBytes);
    answer.begin(exchange);
    exchange.finish(frame);
  });
}

class Answer implements Receiver {
  readonly #format: Format;
  readonly #attempt: WireAttempt;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: MicroError) => void;
  #exchange: Exchange | undefined;
  #payload: Buffer | undefined;

  constructor(
    format: Format,
    attempt: WireAttempt,
    resolve: (value: unknown) => void,
    reject: (error: MicroError) => void,
  ) {
    this.#format = format;
    this.#attempt = attempt;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#attempt.limit.begin(this);
  }

  /** The call has ended before its answer. */
  interrupt(error: MicroError): void {
    this.#exchange?.cancel(error);
    this.#reject(error);
  }

  received(payload: Buffer): void {
    if (this.#payload === undefined) {
      this.#payload = payload;
      return;
    }
    const { endpoint } = this.#attempt.request;
    const detail = `${endpoint} answered with several messages: it is a stream, open it with client.stream`;
    throw internalServerError("go.micro.client", detail);
  }

  finished(error: MicroError | undefined): void {
    const { limit, request } = this.#attempt;
    limit.done(this);
    // Too late, or the server gave up for the same deadline: that is this call's own end.
    if (limit.isOver()) this.#reject(limit.expire());
    else if (error !== undefined) this.#reject(error);
    else if (this.#payload === undefined) {
      this.#reject(
        new GrpcError({
          code: statusCode.internal,
          message: `${request.endpoint} answered without a message`,
        }),
      );
    } else this.#decode(this.#payload);
  }

  #decode(payload: Buffer): void {
    const { request, node } = this.#attempt;
    try {
      this.#resolve(this.#format.decode(payload, "response", request.responseType));
    } catch (thrown) {
      const detail = `can't read the answer of ${node.address}: ${MicroError.from(thrown).detail}`;
      this.#reject(
        internalServerError("go.micro.client.codec", detail, { reason: "decode-failed", cause: thrown }),
      );
    }
  }
}
