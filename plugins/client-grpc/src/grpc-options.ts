import type { CallOptions, Metadata } from "ts-micro";

/** What only gRPC has of a call, for the callers that need it. */
export interface GrpcOptions {
  /** The headers of the answer have arrived. Called at most once; not for an answer of trailers alone. */
  onHeader?: (header: Metadata) => void;
  /** The call has ended with a status. Called at most once, before the call settles. */
  onTrailer?: (trailer: Metadata) => void;
  /** Whether the request messages are compressed; for a stream, read for each message. @default the client's option */
  compress?: boolean;
}

// A symbol, so that other clients don't meet it, and of the process: the caller may have another copy of this package.
const key: unique symbol = Symbol.for("ts-micro.grpc.options.v1") as never;

/**
 * Adds options to a request that only this client understands: `client.call(withGrpc({ service, … }, { onTrailer }))`.
 * Other clients ignore them.
 */
export function withGrpc<Request extends CallOptions>(request: Request, options: GrpcOptions): Request {
  return { ...request, [key]: options };
}

const none: GrpcOptions = {};

export function grpcOptionsOf(request: CallOptions): GrpcOptions {
  return (request as { [key]?: GrpcOptions })[key] ?? none;
}
