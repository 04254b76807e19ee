import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { badRequest, canonicalKey, type Metadata, newMetadata } from "ts-micro";

/**
 * Never sent as metadata: they belong to gRPC (grpc-go `internal/transport/http_util.go`), or HTTP/2 forbids them
 * (RFC 9113 §8.2.2).
 */
const reserved: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "user-agent",
  "te",
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Adds metadata to headers. Keys become lower-case; texts are sent as UTF-8, their control characters as spaces. The
 * value of a key that ends in `-bin` is base64, here as on the wire, so that it may travel on over any protocol.
 * @throws MicroError 400 `encode-failed` naming a key that can't be sent so
 */
export function toHeaders(metadata: Metadata, headers: OutgoingHttpHeaders): void {
  for (const key in metadata) {
    const value = metadata[key] as string;
    const name = nameOf(key);
    if (name !== undefined) headers[name] = name.endsWith("-bin") ? binary(key, value) : text(value);
  }
}

const names = new Map<string, string | undefined>();

/** The header's name, `undefined` for what isn't sent. */
function nameOf(key: string): string | undefined {
  if (names.has(key)) return names.get(key);
  const name = key.toLowerCase();
  const kept = !name.startsWith(":") && !name.startsWith("grpc-") && !reserved.has(name);
  if (kept && !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
    throw badRequest("go.micro.grpc", `metadata key ${JSON.stringify(key)} can't be the name of a header`, {
      reason: "encode-failed",
    });
  }
  if (names.size < 1024) names.set(key, kept ? name : undefined);
  return kept ? name : undefined;
}

/** Everything that arrived but HTTP/2's own, keys in canonical form. Several values of a key are joined with `, `. */
export function fromHeaders(headers: IncomingHttpHeaders): Metadata {
  const metadata = newMetadata();
  for (const name in headers) {
    if (name.startsWith(":") && name !== ":authority") continue;
    const value = headers[name];
    if (value === undefined) continue;
    const joined = typeof value === "string" ? value : value.join(", ");
    metadata[canonicalKey(name)] = fromLatin1(joined);
  }
  return metadata;
}

/** Bytes as the value of a `-bin` key. */
export function binaryValue(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** The bytes of a `-bin` key's value. */
export function bytesOfValue(value: string): Buffer {
  return Buffer.from(value, "base64");
}

/** Sent without padding, as grpc-go does. Several values are separated by commas. */
function binary(key: string, value: string): string {
  if (!/^[A-Za-z0-9+/=, ]*$/.test(value)) {
    throw badRequest(
      "go.micro.grpc",
      `metadata ${key} ends in -bin, so its value must be base64, as binaryValue(bytes) makes it`,
      { reason: "encode-failed" },
    );
  }
  return value.replaceAll("=", "");
}

/** Node writes and reads each character of a header as one byte. */
function text(value: string): string {
  if (!/[^ -~]/.test(value)) return value.trim();
  return Buffer.from(value.replace(/[\x00-\x1f\x7f]/g, " ").trim()).toString("latin1");
}

function fromLatin1(value: string): string {
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, "latin1").toString() : value;
}
