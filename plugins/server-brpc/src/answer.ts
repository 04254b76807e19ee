import { errnoFor, errnoOf, packFrame, RpcMeta, RpcResponseMeta, textPrefix } from "@ts-micro/brpc-wire";
import { errorText, internalServerError, type MicroError } from "ts-micro";
import type { Route } from "ts-micro/server";
import type { BrpcContext } from "./call.ts";
import { codecOf, type RequestHost } from "./request.ts";

/**
 * The frame that answers `question` with what the handler gave.
 * @throws MicroError 500 when the value can't be encoded, or is too long
 */
export function answerFrame(
  host: RequestHost,
  question: RpcMeta,
  context: BrpcContext,
  route: Route,
  value: unknown,
): Buffer {
  const frame = { kind: "response", id: "", endpoint: route.name, error: "" } as const;
  const body = codecOf(host, question).encode(value, frame, route.responseType);
  const meta = responseTo(question, 0);
  const { attachment, compression, checksum, userFields } = context.call.response;
  const length = body.length + (attachment?.length ?? 0);
  if (length > host.maxBodyBytes) throw tooLong(route.name, length, host.maxBodyBytes);
  meta.contentType = question.contentType ?? 0;
  if (userFields.size > 0) meta.userFields = userFields;
  const checksumWithAttachment = checksum !== "none" && question.checksumWithAttachment === true;
  return packFrame(meta, { body, attachment, compression, checksum, checksumWithAttachment });
}

/**
 * The frame that answers `question` with an error. bRPC's callers get a code and a sentence; for ours the whole
 * error is beside it in the user field `micro-error`, in go-micro's form (docs/decisions/0323-brpc-errors.md).
 */
export function errorFrame(
  question: RpcMeta,
  error: MicroError,
  address: string,
  context?: BrpcContext,
): Buffer {
  const code = errnoFor(error);
  const meta = responseTo(question, code);
  const sentence = error.detail || error.status || "unknown error";
  if (meta.response !== undefined) meta.response.errorText = `${textPrefix(address, code)}${sentence}`;
  const fields = context?.call.response.userFields;
  if (fields !== undefined && fields.size > 0) meta.userFields = new Map(fields);
  if (errnoOf(error) === undefined) {
    meta.userFields ??= new Map();
    meta.userFields.set("micro-error", errorText(error));
  }
  meta.contentType = 0;
  return packFrame(meta, { ...plain, body: nothing });
}

const nothing = Buffer.alloc(0);

const plain = {
  attachment: undefined,
  compression: "none",
  checksum: "none",
  checksumWithAttachment: false,
} as const;

function responseTo(question: RpcMeta, code: number): RpcMeta {
  const meta = new RpcMeta();
  meta.response = new RpcResponseMeta();
  meta.response.errorCode = code;
  meta.correlationId = question.correlationId ?? 0n;
  return meta;
}

function tooLong(endpoint: string, length: number, limit: number): MicroError {
  const detail = `the answer of ${endpoint} has ${length} bytes, of ${limit} allowed; raise maxBodyBytes of both sides`;
  return internalServerError("brpc", detail, { reason: "too-large" });
}
