import { FieldReader, type FieldWriter } from "./fields.ts";

/**
 * What stands in front of every payload: `brpc.policy.RpcMeta` (`src/brpc/policy/baidu_rpc_meta.proto`).
 *
 * `undefined` is a field that is not there, which the other side can tell from its default. Classes rather than
 * object literals, so that all of them have one hidden shape.
 */
export class RpcMeta {
  /** There in requests, even in empty ones; how they are told from responses. */
  request: RpcRequestMeta | undefined = undefined;
  response: RpcResponseMeta | undefined = undefined;
  /** See `compressTypes`. */
  compressType: number | undefined = undefined;
  /** Chosen by the caller and repeated in the response. Any 64 bits. */
  correlationId: bigint | undefined = undefined;
  /** How many bytes at the end of the body are the attachment. */
  attachmentSize: number | undefined = undefined;
  authenticationData: Buffer | undefined = undefined;
  /** A `StreamSettings` message, unread: the request wants to open a stream. */
  streamSettings: Buffer | undefined = undefined;
  userFields: Map<string, string> | undefined = undefined;
  /** See `contentTypes`. */
  contentType: number | undefined = undefined;
  /** See `checksumTypes`. */
  checksumType: number | undefined = undefined;
  checksumValue: Buffer | undefined = undefined;
  checksumWithAttachment: boolean | undefined = undefined;
}

export class RpcRequestMeta {
  serviceName = "";
  methodName = "";
  logId: bigint | undefined = undefined;
  traceId: bigint | undefined = undefined;
  spanId: bigint | undefined = undefined;
  parentSpanId: bigint | undefined = undefined;
  requestId: string | undefined = undefined;
  timeoutMs: number | undefined = undefined;
}

export class RpcResponseMeta {
  /** 0, or absent, for success. */
  errorCode: number | undefined = undefined;
  errorText: string | undefined = undefined;
}

/** @throws RangeError when the bytes are no RpcMeta: they are not protobuf, or a required field is missing */
export function decodeMeta(bytes: Buffer): RpcMeta {
  const meta = new RpcMeta();
  const reader = new FieldReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        meta.request = decodeRequest(reader.bytes(), meta.request);
        break;
      case 2:
        meta.response = decodeResponse(reader.bytes(), meta.response);
        break;
      case 3:
        meta.compressType = reader.int32() ?? meta.compressType;
        break;
      case 4:
        meta.correlationId = reader.int64() ?? meta.correlationId;
        break;
      case 5:
        meta.attachmentSize = reader.int32() ?? meta.attachmentSize;
        break;
      case 7:
        meta.authenticationData = reader.bytes() ?? meta.authenticationData;
        break;
      case 8:
        meta.streamSettings = reader.bytes() ?? meta.streamSettings;
        break;
      case 9:
        meta.userFields = decodeEntry(reader.bytes(), meta.userFields);
        break;
      case 10:
        meta.contentType = knownContentType(reader.int32()) ?? meta.contentType;
        break;
      case 11:
        meta.checksumType = reader.int32() ?? meta.checksumType;
        break;
      case 12:
        meta.checksumValue = reader.bytes() ?? meta.checksumValue;
        break;
      case 13:
        meta.checksumWithAttachment = reader.bool() ?? meta.checksumWithAttachment;
        break;
      default:
        reader.skip();
    }
  }
  return meta;
}

/** Writes the fields that are there, in the order of their numbers, as protobuf does. */
export function writeMeta(writer: FieldWriter, meta: RpcMeta): void {
  const { request, response } = meta;
  if (request !== undefined) writer.message(1, () => writeRequest(writer, request));
  if (response !== undefined) writer.message(2, () => writeResponse(writer, response));
  if (meta.compressType !== undefined) writer.int32(3, meta.compressType);
  if (meta.correlationId !== undefined) writer.int64(4, meta.correlationId);
  if (meta.attachmentSize !== undefined) writer.int32(5, meta.attachmentSize);
  if (meta.authenticationData !== undefined) writer.bytes(7, meta.authenticationData);
  if (meta.streamSettings !== undefined) writer.bytes(8, meta.streamSettings);
  if (meta.userFields !== undefined) {
    for (const [key, value] of meta.userFields) {
      writer.message(9, () => {
        writer.text(1, key);
        writer.text(2, value);
      });
    }
  }
  if (meta.contentType !== undefined) writer.int32(10, meta.contentType);
  if (meta.checksumType !== undefined) writer.int32(11, meta.checksumType);
  if (meta.checksumValue !== undefined) writer.bytes(12, meta.checksumValue);
  if (meta.checksumWithAttachment !== undefined) writer.int32(13, meta.checksumWithAttachment ? 1 : 0);
}

/** A message that comes twice is merged, as in protobuf. */
function decodeRequest(
  bytes: Buffer | undefined,
  present: RpcRequestMeta | undefined,
): RpcRequestMeta | undefined {
  if (bytes === undefined) return present;
  const request = present ?? new RpcRequestMeta();
  let service = present?.serviceName;
  let method = present?.methodName;
  const reader = new FieldReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        service = reader.text() ?? service;
        break;
      case 2:
        method = reader.text() ?? method;
        break;
      case 3:
        request.logId = reader.int64() ?? request.logId;
        break;
      case 4:
        request.traceId = reader.int64() ?? request.traceId;
        break;
      case 5:
        request.spanId = reader.int64() ?? request.spanId;
        break;
      case 6:
        request.parentSpanId = reader.int64() ?? request.parentSpanId;
        break;
      case 7:
        request.requestId = reader.text() ?? request.requestId;
        break;
      case 8:
        request.timeoutMs = reader.int32() ?? request.timeoutMs;
        break;
      default:
        reader.skip();
    }
  }
  if (service === undefined || method === undefined) {
    throw new RangeError("the request names no service or no method");
  }
  request.serviceName = service;
  request.methodName = method;
  return request;
}

function decodeResponse(
  bytes: Buffer | undefined,
  present: RpcResponseMeta | undefined,
): RpcResponseMeta | undefined {
  if (bytes === undefined) return present;
  const response = present ?? new RpcResponseMeta();
  const reader = new FieldReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.errorCode = reader.int32() ?? response.errorCode;
    else if (field === 2) response.errorText = reader.text() ?? response.errorText;
    else reader.skip();
  }
  return response;
}

/** One entry of a map is a message of key and value; either may be absent when it is empty. */
function decodeEntry(
  bytes: Buffer | undefined,
  present: Map<string, string> | undefined,
): Map<string, string> | undefined {
  if (bytes === undefined) return present;
  const entries = present ?? new Map<string, string>();
  let key = "";
  let value = "";
  const reader = new FieldReader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) key = reader.text() ?? key;
    else if (field === 2) value = reader.text() ?? value;
    else reader.skip();
  }
  return entries.set(key, value);
}

/** An enum of proto2 is closed: a value that it lacks counts as an unknown field. */
function knownContentType(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 && value <= 3 ? value : undefined;
}

function writeRequest(writer: FieldWriter, request: RpcRequestMeta): void {
  writer.text(1, request.serviceName);
  writer.text(2, request.methodName);
  if (request.logId !== undefined) writer.int64(3, request.logId);
  if (request.traceId !== undefined) writer.int64(4, request.traceId);
  if (request.spanId !== undefined) writer.int64(5, request.spanId);
  if (request.parentSpanId !== undefined) writer.int64(6, request.parentSpanId);
  if (request.requestId !== undefined) writer.text(7, request.requestId);
  if (request.timeoutMs !== undefined) writer.int32(8, request.timeoutMs);
}

function writeResponse(writer: FieldWriter, response: RpcResponseMeta): void {
  if (response.errorCode !== undefined) writer.int32(1, response.errorCode);
  if (response.errorText !== undefined) writer.text(2, response.errorText);
}
