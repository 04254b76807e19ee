import { contentTypes, errorFromResponse, readPayload, splitBody } from "@ts-micro/brpc-wire";
import { internalServerError, MicroError } from "ts-micro";
import { type Client, type ClientWire, newClientOver, type WireAttempt } from "ts-micro/client";
import { type Codec, codecFor } from "ts-micro/codec";
import type { Answer } from "./connection.ts";
import { Connections } from "./connections.ts";
import { type BrpcClientOptions, brpcSettings } from "./options.ts";
import { formatOf, requestFrame } from "./request.ts";

/**
 * A client for Apache bRPC's servers, and for `@ts-micro/server-brpc`: baidu_std over TCP or TLS.
 * @throws MicroError 400 for an option out of range
 */
export function newClient(options: BrpcClientOptions = {}): Client {
  return newClientOver(newWire(options), options);
}

/** The protocol by itself, for `ClientOptions.wires`: beside another protocol in one client. */
export function newWire(own: BrpcClientOptions = {}): ClientWire {
  const settled = brpcSettings(own);
  return {
    name: "brpc",
    protocol: "brpc",

    open({ options, settings }) {
      const { dialTimeoutMs, poolSize, poolTtlMs, codecs } = settings;
      const tls = options.tls ?? (options.secure ? {} : undefined);
      const connections = new Connections({ ...settled, tls, dialTimeoutMs, poolSize, poolTtlMs });
      const codecOf = (type: number): Codec =>
        codecFor(type === contentTypes.pb ? "application/protobuf" : "application/json", codecs);
      return {
        async call(attempt) {
          const { request, node, limit } = attempt;
          const format = formatOf(request, options.contentType);
          const frame = { kind: "request", id: "", endpoint: request.endpoint, error: "" } as const;
          const body = codecFor(format.contentType, codecs).encode(request.body, frame, request.requestType);
          const build = requestFrame(settled, attempt, format, body);
          const answer = await connections.exchange(request.service, node.address, limit, build);
          return readAnswer(answer, attempt, settled.maxBodyBytes, codecOf);
        },
        keepOnly: (service, nodes) => connections.keepOnly(service, nodes),
        close: () => connections.close(),
      };
    },
  };
}

/** @throws MicroError what the server answered, or 500 when that can't be read */
function readAnswer(
  { meta, frame }: Answer,
  { request, node }: WireAttempt,
  maxBodyBytes: number,
  codecOf: (contentType: number) => Codec,
): unknown {
  const { errorCode = 0, errorText = "" } = meta.response ?? {};
  const split = splitBody(frame, meta);
  request.brpc?.onResponse?.({
    attachment: split?.attachment ?? Buffer.alloc(0),
    userFields: meta.userFields ?? new Map(),
    errorCode,
  });
  if (errorCode !== 0) {
    // Ours tell the whole error beside bRPC's code and sentence (docs/decisions/0323-brpc-errors.md).
    const whole = meta.userFields?.get("micro-error");
    throw whole === undefined ? errorFromResponse(errorCode, errorText) : MicroError.parse(whole);
  }
  try {
    if (split === undefined)
      throw new RangeError(`attachment_size=${meta.attachmentSize} is more than there is`);
    const { payload, attachment } = split;
    const bytes = readPayload(meta, payload, attachment, maxBodyBytes);
    return codecOf(meta.contentType ?? 0).decode(bytes, "response", request.responseType).value;
  } catch (cause) {
    const why = MicroError.is(cause) ? cause.detail : (cause as Error).message;
    const detail = `can't read the answer of ${node.address}: ${why}`;
    throw internalServerError("brpc", detail, { reason: "decode-failed", cause });
  }
}
