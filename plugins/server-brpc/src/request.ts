import {
  brpcError,
  checksumOf,
  compressionOf,
  contentTypes,
  errno,
  type Frame,
  payloadText,
  type RpcMeta,
  readMetadata,
  readPayload,
  splitBody,
} from "@ts-micro/brpc-wire";
import { MicroError, notImplemented } from "ts-micro";
import type { Codec } from "ts-micro/codec";
import type { Route, Router, ServerRequest } from "ts-micro/server";
import { type BrpcCall, BrpcContext } from "./call.ts";

/** What is needed to read a request. */
export interface RequestHost {
  readonly service: string;
  readonly router: Router;
  readonly proto: Codec;
  readonly json: Codec;
  readonly maxBodyBytes: number;
}

export interface Request {
  readonly route: Route;
  readonly context: BrpcContext;
  readonly request: ServerRequest;
}

/**
 * Finds the endpoint and decodes the message, in bRPC's order and with its error texts
 * (`ProcessRpcRequest` in `src/brpc/policy/baidu_rpc_protocol.cpp`).
 * @throws MicroError of `brpcError`
 */
export function readRequest(
  host: RequestHost,
  meta: RpcMeta,
  frame: Frame,
  { local, remote }: { local: string; remote: string },
): Request {
  const split = splitBody(frame, meta);
  if (split === undefined) {
    throw brpcError(
      errno.badRequest,
      `attachment_size=${meta.attachmentSize} is larger than request_size=${frame.body.length}`,
    );
  }
  const route = findRoute(host.router, meta);
  const { serviceName: service = "", methodName: method = "", timeoutMs } = meta.request ?? {};
  const { payload, attachment } = split;
  let body: unknown;
  try {
    const bytes = readPayload(meta, payload, attachment, host.maxBodyBytes);
    body = codecOf(host, meta).decode(bytes, "request", route.requestType).value ?? {};
  } catch (thrown) {
    throw unreadable(route, meta, frame.body.length, thrown);
  }
  const call: BrpcCall = {
    service,
    method,
    logId: meta.request?.logId,
    userFields: meta.userFields ?? new Map(),
    attachment,
    compression: compressionOf(meta.compressType ?? 0) ?? "none",
    checksum: checksumOf(meta),
    authenticationData: meta.authenticationData,
    response: {
      attachment: undefined,
      compression: compressionOf(meta.compressType ?? 0) ?? "none",
      checksum: checksumOf(meta),
      userFields: new Map(),
    },
  };
  const metadata = readMetadata(meta);
  // So that no caller can say who it is: these two are the server's.
  metadata.Local = local;
  metadata.Remote = remote;
  const context = new BrpcContext(
    { metadata, peer: { address: remote }, timeoutMs: positive(timeoutMs) },
    call,
  );
  const request = {
    service: host.service,
    endpoint: route.name,
    contentType: contentTypeOf(meta),
    streaming: false,
    body,
  };
  return { route, context, request };
}

/** How the messages of a call are written, for both directions: the caller may know one form only. */
export function codecOf(host: Pick<RequestHost, "proto" | "json">, meta: RpcMeta): Codec {
  switch (meta.contentType ?? contentTypes.pb) {
    case contentTypes.pb:
      return host.proto;
    case contentTypes.json:
    case contentTypes.protoJson:
      return host.json;
    default:
      throw notImplemented("brpc", "protobuf's text format is not spoken here", { reason: "not-supported" });
  }
}

function contentTypeOf(meta: RpcMeta): string {
  return (meta.contentType ?? 0) === contentTypes.pb ? "application/protobuf" : "application/json";
}

function findRoute(router: Router, { request, streamSettings }: RpcMeta): Route {
  const { serviceName: service = "", methodName: method = "" } = request ?? {};
  const route = router.findIn(service, method);
  if (typeof route === "string") {
    // bRPC looks a name without a package up among the services, and one with it among the methods.
    throw route === "no-service" && !service.includes(".")
      ? brpcError(errno.noService, `Fail to find service=${service}`)
      : brpcError(errno.noMethod, `Fail to find method=${service}/${method}`);
  }
  if (route.streaming || streamSettings !== undefined) {
    throw notImplemented("brpc", `${route.name}: streams are not supported over bRPC; use grpc or mucp`, {
      reason: "not-supported",
    });
  }
  return route;
}

function unreadable(route: Route, meta: RpcMeta, size: number, thrown: unknown): MicroError {
  const name = route.requestType?.typeName ?? route.name;
  const text = `Fail to parse request=${name}, ${payloadText(meta)}, request_size=${size}`;
  // JSON is written by people, whom the reason helps; what bRPC's programs send gets bRPC's text to the letter.
  const why = (meta.contentType ?? contentTypes.pb) === contentTypes.pb ? "" : `: ${reasonOf(thrown)}`;
  return brpcError(errno.badRequest, text + why);
}

function reasonOf(thrown: unknown): string {
  return MicroError.is(thrown) ? thrown.detail : thrown instanceof Error ? thrown.message : String(thrown);
}

function positive(timeoutMs: number | undefined): number | undefined {
  return timeoutMs !== undefined && timeoutMs > 0 ? timeoutMs : undefined;
}
