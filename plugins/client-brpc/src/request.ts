import { contentTypes, packFrame, RpcMeta, RpcRequestMeta, writeMetadata } from "@ts-micro/brpc-wire";
import { MicroError } from "ts-micro";
import type { CallRequest, WireAttempt } from "ts-micro/client";
import { methodOf } from "./naming.ts";
import type { BrpcSettings } from "./options.ts";

/** How the messages of a call are written. */
export interface Format {
  readonly contentType: string;
  /** `brpc.ContentType`. */
  readonly type: number;
}

const protobuf = ["application/protobuf", "application/proto", "application/octet-stream"] as const;

/**
 * @param chosen the client's content type, if one was given in its options: typed calls and bytes are protobuf
 *   otherwise, for that is what bRPC's servers expect
 * @throws MicroError 415 for what bRPC has no number for
 */
export function formatOf(request: CallRequest, chosen: string | undefined): Format {
  const contentType =
    request.contentType ?? chosen ?? (isProtobuf(request) ? protobuf[0] : "application/json");
  const essence = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if ((protobuf as readonly string[]).includes(essence)) return { contentType, type: contentTypes.pb };
  if (essence === "application/json") return { contentType, type: contentTypes.json };
  throw new MicroError({
    id: "brpc",
    code: 415,
    detail: `bRPC carries application/json and ${protobuf.join(", ")}, not ${contentType}`,
    reason: "unsupported-content-type",
  });
}

function isProtobuf({ requestType, responseType, body }: CallRequest): boolean {
  return requestType !== undefined || responseType !== undefined || body instanceof Uint8Array;
}

/**
 * Gives the function that makes the request's frame, once its correlation id is known.
 * @throws MicroError 400 for an endpoint that names no method, 413 for a body that is too long
 */
export function requestFrame(
  settings: BrpcSettings,
  attempt: WireAttempt,
  format: Format,
  body: Uint8Array,
): (id: number) => Buffer {
  const { request, metadata, limit } = attempt;
  const { brpc = {} } = request;
  const { service, method } = methodOf(request.endpoint, request.package);
  const length = body.length + (brpc.attachment?.length ?? 0);
  if (length > settings.maxBodyBytes) throw tooLong(request, length, settings.maxBodyBytes);
  const compression = brpc.compression ?? settings.compression;
  const checksum = brpc.checksum ?? settings.checksum;
  const checksumWithAttachment = brpc.checksumWithAttachment === true && checksum !== "none";
  return (id) => {
    const meta = new RpcMeta();
    meta.request = new RpcRequestMeta();
    meta.request.serviceName = service;
    meta.request.methodName = method;
    meta.correlationId = BigInt(id);
    meta.contentType = format.type;
    writeMetadata(metadata, meta, meta.request);
    if (brpc.logId !== undefined) meta.request.logId = brpc.logId;
    if (brpc.authenticationData !== undefined) meta.authenticationData = Buffer.from(brpc.authenticationData);
    for (const [key, value] of Object.entries(brpc.userFields ?? {})) {
      meta.userFields ??= new Map();
      meta.userFields.set(key, value);
    }
    const remainingMs = limit.remainingMs();
    // Rounded up: the server shall not give up before the client does.
    if (remainingMs !== Infinity) meta.request.timeoutMs = Math.min(Math.ceil(remainingMs), 0x7fff_ffff);
    return packFrame(meta, {
      body,
      attachment: brpc.attachment,
      compression,
      checksum,
      checksumWithAttachment,
    });
  };
}

function tooLong({ service, endpoint }: CallRequest, length: number, limit: number): MicroError {
  const detail = `the request for ${service} ${endpoint} has ${length} bytes, of ${limit} allowed; raise maxBodyBytes`;
  return new MicroError({ id: "brpc", code: 413, detail, reason: "too-large" });
}
