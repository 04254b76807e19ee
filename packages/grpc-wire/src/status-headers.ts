import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { MicroError } from "ts-micro";
import { decodeMessage, encodeMessage } from "./percent.ts";
import { decodeError, decodeStatus, encodeError, encodeStatus, errorTypeUrl } from "./protobuf.ts";
import { GrpcError, type GrpcStatus, isGrpcError, statusCode, statusOf } from "./status.ts";

/** Longest text of an error, in characters. Beyond some 16 KiB of trailers, peers reject the whole answer. */
const maxText = 4096;

/** Adds the status of a failed call to its trailers. */
export function writeStatus(error: MicroError, headers: OutgoingHttpHeaders): void {
  const short = error.detail.length <= maxText ? error : shortened(error);
  const status = statusOf(short);
  const plain = short.code === 0 || isGrpcError(short);
  const details = status.details ?? (plain ? [] : [detailOf(short)]);
  headers["grpc-status"] = String(status.code);
  headers["grpc-message"] = encodeMessage(status.message);
  if (details.length === 0) return;
  headers["grpc-status-details-bin"] = encodeStatus({ ...status, details })
    .toString("base64")
    .replaceAll("=", "");
}

function detailOf(error: MicroError): { typeUrl: string; value: Uint8Array } {
  return { typeUrl: errorTypeUrl, value: encodeError(error) };
}

function shortened(error: MicroError): MicroError {
  const detail = `${error.detail.slice(0, maxText)}… (${error.detail.length - maxText} characters more)`;
  const { id, code, status } = error;
  if (!isGrpcError(error)) return new MicroError({ id, code, detail, status });
  return new GrpcError({ code: error.grpc.code, message: detail }, { id, code, detail, status });
}

/**
 * The error that a call has ended with, `undefined` when all is well (go-micro `client/grpc/error.go`): go-micro's
 * own error in the first detail, else as JSON in the message, else made of the status.
 * @param headers the trailers, or the only headers of an answer that has no trailers
 */
export function readStatus(headers: IncomingHttpHeaders): GrpcError | undefined {
  const code = Number(headers["grpc-status"]);
  if (code === statusCode.ok) return undefined;
  const message = decodeMessage(String(headers["grpc-message"] ?? ""));
  const details = detailsIn(headers["grpc-status-details-bin"]);
  const status: GrpcStatus = {
    code: Number.isInteger(code) && code > 0 ? code : statusCode.unknown,
    message,
    ...(details.length > 0 && { details }),
  };
  const [first] = details;
  const carried = first?.typeUrl === errorTypeUrl ? decodeError(first.value) : undefined;
  if (carried !== undefined) return new GrpcError(status, carried);
  const parsed = MicroError.parse(message);
  return parsed.code > 0 ? new GrpcError(status, parsed.toJSON()) : new GrpcError(status);
}

function detailsIn(value: string | string[] | undefined): NonNullable<GrpcStatus["details"]> {
  if (typeof value !== "string") return [];
  // A peer that damages it has still said code and message.
  return decodeStatus(Buffer.from(value, "base64"))?.details ?? [];
}
