/**
 * go-micro's error, kept whole across every wire, and the errors that never leave this process.
 *
 * Errors are recognised by a `Symbol.for` brand and a code, never by `instanceof`: a plugin may bring
 * its own copy of this package.
 */
import "./copies.ts";

const microErrorBrand = Symbol.for("ts-micro.MicroError.v1");

/**
 * Why a call or a publish failed, for errors that this process made itself. An error that a remote
 * handler made carries none. The meaning of each is in docs/errors.md, which a test holds to this list.
 */
export const errorReasons = [
  "service-not-found",
  "no-node-available",
  "protocol-not-spoken",
  "connection-failed",
  "connection-lost",
  "not-connected",
  "timeout",
  "cancelled",
  "too-large",
  "unsupported-content-type",
  "encode-failed",
  "decode-failed",
  "not-supported",
  "closed",
  "draining",
] as const;

export type ErrorReason = (typeof errorReasons)[number];

export interface MicroErrorFields {
  /** Who made the error, by convention a service or component name such as `go.micro.client`. */
  id?: string;
  /** An HTTP status number. 0 means that the text was not in go-micro's form. */
  code?: number;
  /** The sentence for people. */
  detail?: string;
  /** @default the standard text of `code` */
  status?: string;
  reason?: ErrorReason;
  cause?: unknown;
}

/**
 * An error in go-micro's wire shape (`errors/errors.go`): id, code, detail, status.
 *
 * `message` shows all of them, so that the important part is visible in every log.
 */
export class MicroError extends Error {
  override readonly name = "MicroError";
  readonly id: string;
  readonly code: number;
  readonly detail: string;
  readonly status: string;
  /** Set only when this process made the error. */
  readonly reason: ErrorReason | undefined;

  constructor(fields: MicroErrorFields) {
    const { id = "", code = 0, detail = "", reason, cause } = fields;
    const status = fields.status ?? statusText(code);
    super(describe(id, code, detail, status), cause === undefined ? undefined : { cause });
    this.id = id;
    this.code = code;
    this.detail = detail;
    this.status = status;
    this.reason = reason;
    Object.defineProperty(this, microErrorBrand, { value: true });
  }

  /** True for a MicroError of any copy of this package. */
  static is(value: unknown): value is MicroError {
    return typeof value === "object" && value !== null && microErrorBrand in value;
  }

  /**
   * Makes any thrown value a MicroError, as go-micro's `FromError` does: a MicroError is returned as it
   * is, a text or an error's message in go-micro's JSON form is read back, anything else becomes a
   * `detail` with code 0. Never throws.
   */
  static from(value: unknown): MicroError {
    if (MicroError.is(value)) return value;
    const text = value instanceof Error ? value.message : String(value);
    const parsed = MicroError.parse(text);
    return new MicroError({ ...parsed.toJSON(), cause: value });
  }

  /** Reads the text form, as go-micro's `errors.Parse` does. Text of another form becomes `detail`, code 0. */
  static parse(text: string): MicroError {
    if (text.startsWith("{")) {
      try {
        const { id, code, detail, status } = JSON.parse(text);
        return new MicroError({
          id: asText(id),
          code: typeof code === "number" && Number.isInteger(code) ? code : 0,
          detail: asText(detail),
          status: asText(status),
        });
      } catch {
        // Not JSON after all: the whole text is the detail.
      }
    }
    return new MicroError({ detail: text, status: "" });
  }

  /** go-micro's JSON: members in this order, empty ones left out. `JSON.stringify` gives the wire text. */
  toJSON(): { id?: string; code?: number; detail?: string; status?: string } {
    return {
      ...(this.id !== "" && { id: this.id }),
      ...(this.code !== 0 && { code: this.code }),
      ...(this.detail !== "" && { detail: this.detail }),
      ...(this.status !== "" && { status: this.status }),
    };
  }
}

/** The text that travels in `Micro-Error`: go-micro's JSON, or the plain detail when there is no id and no code. */
export function errorText(error: MicroError): string {
  return error.id === "" && error.code === 0 ? error.detail : JSON.stringify(error);
}

type Make = (id: string, detail: string, more?: Pick<MicroErrorFields, "reason" | "cause">) => MicroError;

function maker(code: number): Make {
  return (id, detail, more) => new MicroError({ id, code, detail, ...more });
}

/** 400 */
export const badRequest: Make = maker(400);
/** 401 */
export const unauthorized: Make = maker(401);
/** 403 */
export const forbidden: Make = maker(403);
/** 404 */
export const notFound: Make = maker(404);
/** 405 */
export const methodNotAllowed: Make = maker(405);
/** 408 */
export const timeout: Make = maker(408);
/** 409 */
export const conflict: Make = maker(409);
/** 429. go-micro has no function for this one, nor for 501 to 504. */
export const tooManyRequests: Make = maker(429);
/** 500 */
export const internalServerError: Make = maker(500);
/** 501 */
export const notImplemented: Make = maker(501);
/** 502 */
export const badGateway: Make = maker(502);
/** 503. A client may try the call again on another node. */
export const serviceUnavailable: Make = maker(503);
/** 504 */
export const gatewayTimeout: Make = maker(504);

const statusTexts: Record<number, string> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Go's `http.StatusText`; an unknown code has none. */
export function statusText(code: number): string {
  return statusTexts[code] ?? "";
}

function describe(id: string, code: number, detail: string, status: string): string {
  const where = id === "" ? "" : `${id}: `;
  const number = code === 0 ? "" : ` (${code}${status === "" ? "" : ` ${status}`})`;
  return `${where}${detail === "" ? status || "unknown error" : detail}${number}`;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const usageErrorBrand = Symbol.for("ts-micro.UsageError.v1");

/** The command line or an environment variable is wrong. The command exits with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "USAGE";

  constructor(message: string) {
    super(message);
    Object.defineProperty(this, usageErrorBrand, { value: true });
  }

  static is(value: unknown): value is UsageError {
    return typeof value === "object" && value !== null && usageErrorBrand in value;
  }
}

const helpRequestedBrand = Symbol.for("ts-micro.HelpRequested.v1");

/** `--help` was given. `text` is what belongs on stdout; the exit code is 0. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
  readonly code = "HELP";
  readonly text: string;

  constructor(text: string) {
    super("help requested");
    this.text = text;
    Object.defineProperty(this, helpRequestedBrand, { value: true });
  }

  static is(value: unknown): value is HelpRequested {
    return typeof value === "object" && value !== null && helpRequestedBrand in value;
  }
}
