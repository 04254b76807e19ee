import { MicroError } from "ts-micro";

/** The canonical codes of gRPC. */
export const statusCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** How a call has ended, as gRPC says it. */
export interface GrpcStatus {
  /** One of `statusCode`. */
  readonly code: number;
  readonly message: string;
  /** `google.rpc.Status.details`: protobuf messages with their types. */
  readonly details?: readonly Detail[];
}

/** `google.protobuf.Any` */
export interface Detail {
  /** `type.googleapis.com/google.rpc.BadRequest` */
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

const brand = Symbol.for("ts-micro.GrpcError.v1");

/**
 * A gRPC status as an error.
 *
 * A handler throws it to answer with exactly this status. A client gets it for each status that a server answered
 * with; `code`, `id` and `detail` are then those of go-micro's error, if it carried one.
 */
export class GrpcError extends MicroError {
  readonly grpc: GrpcStatus;

  /** @param error what it means in the framework's terms. @default made of code and message */
  constructor(
    grpc: GrpcStatus,
    error: { id?: string; code?: number; detail?: string; status?: string } = {},
  ) {
    super({ id: "go.micro.client", code: codes[grpc.code] ?? 500, detail: grpc.message, ...error });
    this.grpc = grpc;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for a GrpcError of any copy of this package. */
export function isGrpcError(value: unknown): value is GrpcError {
  return typeof value === "object" && value !== null && brand in value;
}

/**
 * The status that an error travels as: its own when it has one, else by go-micro's table, with the error itself as
 * JSON in the message. (The first detail, which go-micro reads before that, `writeStatus` adds.)
 */
export function statusOf(error: MicroError): GrpcStatus {
  if (isGrpcError(error)) return error.grpc;
  if (error.id === "" && error.code === 0) return { code: statusCode.unknown, message: error.detail };
  return { code: statuses[error.code] ?? statusCode.unknown, message: JSON.stringify(error) };
}

/** go-micro `server/grpc/error.go`. Its 200 fails while it is attached and becomes unknown, so it is not here. */
const statuses: Readonly<Record<number, number>> = {
  400: statusCode.invalidArgument,
  401: statusCode.unauthenticated,
  403: statusCode.permissionDenied,
  404: statusCode.notFound,
  408: statusCode.deadlineExceeded,
  409: statusCode.alreadyExists,
  412: statusCode.failedPrecondition,
  500: statusCode.internal,
  501: statusCode.unimplemented,
  503: statusCode.unavailable,
};

/** The same backwards, as v6's client reads a plain status (`client/grpc/error.go`); what isn't here is 500. */
const codes: Readonly<Record<number, number>> = Object.fromEntries(
  Object.entries(statuses).map(([code, status]) => [status, Number(code)]),
);

/** What an HTTP status without a gRPC status means (gRPC `http-grpc-status-mapping.md`). */
export function statusFromHttp(httpStatus: number): GrpcStatus {
  const message = `unexpected HTTP status ${httpStatus} of the server: it may not speak gRPC`;
  return { code: httpStatuses[httpStatus] ?? statusCode.unknown, message };
}

const httpStatuses: Readonly<Record<number, number>> = {
  400: statusCode.internal,
  401: statusCode.unauthenticated,
  403: statusCode.permissionDenied,
  404: statusCode.unimplemented,
  429: statusCode.unavailable,
  502: statusCode.unavailable,
  503: statusCode.unavailable,
  504: statusCode.unavailable,
};

/** What a stream that the peer reset without a status means (gRPC `PROTOCOL-HTTP2.md`, "Errors"). */
export function statusFromReset(http2Code: number): GrpcStatus {
  const message = `the server reset the stream with HTTP/2 error code ${http2Code}`;
  return { code: resets[http2Code] ?? statusCode.internal, message };
}

const resets: Readonly<Record<number, number>> = {
  7: statusCode.unavailable,
  8: statusCode.cancelled,
  11: statusCode.resourceExhausted,
  12: statusCode.permissionDenied,
};
