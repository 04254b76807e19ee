import { MicroError } from "ts-micro";

/** Error codes that bRPC itself uses (`src/brpc/errno.proto`). Services add their own, of any other number. */
export const errno = {
  noService: 1001,
  noMethod: 1002,
  badRequest: 1003,
  unauthorized: 1004,
  timedOut: 1008,
  overcrowded: 1011,
  rejected: 1018,
  internal: 2001,
  badResponse: 2002,
  /** The server is stopping; the request reached no handler. bRPC's clients repeat it elsewhere. */
  logOff: 2003,
  /** The server has too much to do. bRPC's clients repeat it elsewhere. */
  limit: 2004,
  /** The connection is closed on purpose. */
  close: 2005,
} as const;

/** What stood in a response, or shall stand there: the cause of the MicroError that is made of it. */
export class BrpcStatus extends Error {
  override readonly name = "BrpcStatus";
  readonly errno: number;

  /** @param text `error_text` as it was received, with bRPC's prefixes */
  constructor(errno: number, text: string) {
    super(text);
    this.errno = errno;
  }
}

/**
 * An error with a bRPC code of the service's own: thrown by a handler it is what a bRPC client sees.
 * @throws RangeError when `code` is 0, which is success, or no 32-bit integer
 */
export function brpcError(code: number, text: string): MicroError {
  if (!Number.isInteger(code) || code === 0 || code !== (code | 0)) {
    throw new RangeError(`a bRPC error code is a 32-bit integer other than 0, got ${code}`);
  }
  return fromStatus(code, text, text);
}

/** The bRPC code of an error that a bRPC server answered, or that `brpcError` made. */
export function errnoOf(error: unknown): number | undefined {
  if (!MicroError.is(error)) return undefined;
  const { cause } = error;
  // By name and not by class: a plugin's file has a copy of this module.
  return cause instanceof Error && cause.name === "BrpcStatus" ? (cause as BrpcStatus).errno : undefined;
}

/** The code that tells a bRPC client most about a MicroError. */
export function errnoFor(error: MicroError): number {
  const own = errnoOf(error);
  if (own !== undefined) return own;
  const known = fromCode[error.code];
  if (known !== undefined) return known;
  // HTTP's numbers are neither bRPC's nor the system's, so they may stand for themselves.
  return error.code >= 400 && error.code < 600 ? error.code : errno.internal;
}

/** The error that a bRPC server answered: `error_code` and `error_text` of its response. */
export function errorFromResponse(code: number, text: string): MicroError {
  return fromStatus(code, withoutPrefix(code, text), text);
}

/** What bRPC writes in front of an error text: who says it, and the code. */
export function textPrefix(address: string, code: number): string {
  return `[${address}][E${code}]`;
}

const fromCode: Readonly<Record<number, number>> = {
  400: errno.badRequest,
  401: errno.unauthorized,
  408: errno.timedOut,
  429: errno.limit,
  500: errno.internal,
  503: errno.limit,
  504: errno.timedOut,
};

/** As bRPC maps them to HTTP (`src/brpc/http_status_code.cpp`), but for time-outs, which are 408 in go-micro. */
const toCode: Readonly<Record<number, number>> = {
  1: 403, // EPERM
  22: 400, // EINVAL
  110: 408, // ETIMEDOUT
  [errno.noService]: 404,
  [errno.noMethod]: 404,
  [errno.badRequest]: 400,
  [errno.unauthorized]: 401,
  [errno.timedOut]: 408,
  [errno.overcrowded]: 503,
  [errno.logOff]: 503,
  [errno.limit]: 503,
};

function fromStatus(code: number, detail: string, text: string): MicroError {
  const http = code >= 400 && code < 600 ? code : (toCode[code] ?? 500);
  const cause = new BrpcStatus(code, text);
  // A server that says so has not run a handler.
  return new MicroError({
    id: "brpc",
    code: http,
    detail,
    cause,
    ...(code === errno.logOff && { reason: "draining" }),
  });
}

/** Without what `textPrefix` puts there, which the caller knows already. */
function withoutPrefix(code: number, text: string): string {
  const mark = `][E${code}]`;
  const at = text.startsWith("[") ? text.indexOf(mark) : -1;
  return at === -1 || at > longestAddress ? text : text.slice(at + mark.length);
}

const longestAddress = 64;
