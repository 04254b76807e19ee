import { canonicalKey, type Metadata, newMetadata } from "ts-micro";
import type { RpcMeta, RpcRequestMeta } from "./meta.ts";

/** Metadata that has a field of its own in a request; everything else is a user field. */
const numbers = {
  "Log-Id": "logId",
  "Micro-Trace-Id": "traceId",
  "Micro-Span-Id": "spanId",
  "Micro-Parent-Span-Id": "parentSpanId",
} as const;

const requestIdKey = "X-Request-Id";

/**
 * Writes metadata into a request. Keys of user fields are in lower case, as in gRPC: bRPC's users look them up
 * as they are, and nobody writes HTTP's capitals there. What is no 64-bit number stays a user field.
 */
export function writeMetadata(metadata: Metadata, meta: RpcMeta, request: RpcRequestMeta): void {
  for (const key in metadata) {
    const value = metadata[key] as string;
    const field = Object.hasOwn(numbers, key) ? numbers[key as keyof typeof numbers] : undefined;
    const number = field === undefined ? undefined : int64(value);
    if (field !== undefined && number !== undefined) request[field] = number;
    else if (key === requestIdKey) request.requestId = value;
    else {
      meta.userFields ??= new Map();
      meta.userFields.set(key.toLowerCase(), value);
    }
  }
}

/** The metadata of a request. A field of the protocol's own counts more than a user field of its name. */
export function readMetadata(meta: RpcMeta): Metadata {
  const metadata = newMetadata(meta.userFields);
  const { request } = meta;
  if (request === undefined) return metadata;
  for (const [key, field] of numberFields) {
    const value = request[field];
    if (value !== undefined) metadata[key] = String(value);
  }
  if (request.requestId !== undefined) metadata[requestIdKey] = request.requestId;
  return metadata;
}

const numberFields = Object.entries(numbers).map(([key, field]) => [canonicalKey(key), field] as const);

/** Only for the text that the number would be read back as. */
function int64(text: string): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const number = BigInt(text);
  return number === BigInt.asIntN(64, number) && String(number) === text ? number : undefined;
}
