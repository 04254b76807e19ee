/**
 * What mucp writes into a request and reads from an answer (go-micro `client/rpc_codec.go`).
 */
import { decodeBody } from "../codec/body.ts";
import type { Codec, Codecs, MessageType } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { internalServerError, MicroError } from "../errors.ts";
import { endOfStream, headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import type { Node } from "../registry/registry.ts";
import { checkBodySize } from "../transport/message-size.ts";
import type { Message, Transport } from "../transport/transport.ts";

/** How the bodies of a call are written. */
export interface Format {
  /** `Content-Type` of the request. */
  readonly contentType: string;
  /** What the caller asked for; differs from `contentType` for legacy nodes. */
  readonly accept: string;
  readonly codec: Codec;
}

const legacyContentTypes: Record<string, string> = {
  "application/json": "application/json-rpc",
  "application/protobuf": "application/proto-rpc",
};

/** Content type whose codec a legacy node uses, where it is not its own. */
const legacyCodecs: Record<string, string> = {
  "application/octet-stream": "application/proto-rpc",
};

/**
 * A node that names no protocol is from before go-micro 1.0: its bodies have an envelope.
 * @throws MicroError 415 `unsupported-content-type`
 */
export function formatFor(contentType: string, node: Node, codecs: Codecs): Format {
  const protocol = node.metadata.protocol;
  if (protocol !== undefined && protocol !== "") {
    return { contentType, accept: contentType, codec: codecFor(contentType, codecs) };
  }
  const legacy = legacyContentTypes[contentType] ?? contentType;
  return {
    contentType: legacy,
    accept: contentType,
    codec: codecFor(legacyCodecs[legacy] ?? legacy, codecs),
  };
}

/** Adds mucp's own headers, in the order in which HTTP sends them. */
export function writeHeader(
  header: Metadata,
  request: { service: string; endpoint: string },
  format: Format,
  id: string,
  remainingMs: number,
): void {
  header[headers.accept] = format.accept;
  header[headers.contentType] = format.contentType;
  header[headers.endpoint] = request.endpoint;
  header[headers.id] = id;
  header[headers.method] = request.endpoint;
  header[headers.service] = request.service;
  if (remainingMs !== Infinity) header[headers.timeout] = timeoutText(remainingMs);
}

/** @throws MicroError 413 `too-large` for a body that the transport doesn't carry. Nothing was sent then. */
export function checkRequest(body: string | Uint8Array, transport: Transport, endpoint: string): void {
  const what = `the request for ${endpoint}`;
  checkBodySize(body, transport.maxMessageBytes, { id: "go.micro.client", what, code: 413 });
}

/**
 * The decoded body of an answer.
 *
 * Nothing else in it may be trusted: go-micro's servers repeat the headers of the connection's first request.
 * @throws MicroError as the server sent it, or 500 when the answer can't be read.
 */
export function readAnswer(
  answer: Message,
  request: { responseType?: MessageType },
  format: Format,
  address: string,
): unknown {
  const text = answer.header[headers.error];
  if (text !== undefined && text !== "") throw MicroError.parse(text);
  if (refusesContentType(answer, format)) throw unsupported(answer, format, address);
  let decoded: ReturnType<Codec["decode"]>;
  try {
    decoded = decodeBody(format.codec, answer, "response", request.responseType);
  } catch (thrown) {
    const detail = `can't read the answer of ${address}: ${MicroError.from(thrown).detail}`;
    throw internalServerError("go.micro.client.codec", detail, { reason: "decode-failed", cause: thrown });
  }
  if (decoded.error === endOfStream) throw overwritten(address);
  if (decoded.error !== undefined) throw MicroError.parse(decoded.error);
  return decoded.value;
}

/**
 * An envelope with the end of the stream, in a message that is no end: go-micro v2's mucp server has written the end into the
 * buffer of an answer that it had not sent yet (`server/rpc_codec.go`). To end here would hide that an answer is missing.
 */
function overwritten(address: string): MicroError {
  const detail = `an answer of ${address} is lost: go-micro wrote the end of the stream over it; stream over gRPC, which keeps answers apart`;
  return internalServerError("go.micro.client.codec", detail, { reason: "decode-failed" });
}

/** go-micro's server names a content type that it doesn't know in a plain text, without `Micro-Error`. */
function refusesContentType(answer: Message, format: Format): boolean {
  return (
    answer.header[headers.contentType] === "text/plain" &&
    format.contentType !== "text/plain" &&
    /^unsupported content-type/i.test(textOf(answer))
  );
}

function unsupported(answer: Message, format: Format, address: string): MicroError {
  return new MicroError({
    id: "go.micro.client",
    code: 415,
    detail: `${address} does not take ${format.contentType}: ${textOf(answer)}`,
    reason: "unsupported-content-type",
  });
}

function textOf(message: Message): string {
  return Buffer.from(message.body.subarray(0, 1024)).toString();
}

let lastMs = 5_000;
let lastText = "5000000000";

/** Decimal nanoseconds, rounded up to whole milliseconds: the server shall not give up before the client does. */
function timeoutText(remainingMs: number): string {
  // Beyond a hundred days the digits would become an exponent; nobody waits for those.
  const ms = Math.min(Math.ceil(remainingMs), 9_000_000_000);
  // Almost every call of a client has the same.
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = `${ms}000000`;
  }
  return lastText;
}
