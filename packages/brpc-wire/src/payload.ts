import { type Checksum, checksumTypes, checksumValue } from "./checksum.ts";
import { type Compression, compress, compressionOf, compressTypes, decompress } from "./compression.ts";
import type { Frame } from "./frame.ts";
import { encodeFrame } from "./frame.ts";
import type { RpcMeta } from "./meta.ts";

/** `brpc.ContentType`: what the payload is before compression. */
export const contentTypes = { pb: 0, json: 1, protoJson: 2, protoText: 3 } as const;

/** What a message is beside its meta. */
export interface Content {
  readonly body: Uint8Array;
  readonly attachment: Uint8Array | undefined;
  readonly compression: Compression;
  readonly checksum: Checksum;
  /** The checksum covers the attachment too. */
  readonly checksumWithAttachment: boolean;
}

/**
 * The frame of a message. Fills those fields of `meta` that speak of the content, also where they say "none",
 * for bRPC does so. Attachments are never compressed.
 */
export function packFrame(meta: RpcMeta, content: Content): Buffer {
  const { attachment, compression, checksum, checksumWithAttachment } = content;
  const payload = compress(compression, content.body);
  meta.compressType = compressTypes[compression];
  meta.checksumType = checksumTypes[checksum];
  const covered = checksumWithAttachment ? attachment : undefined;
  meta.checksumValue = checksum === "none" ? nothing : checksumValue(payload, covered);
  if (checksumWithAttachment) meta.checksumWithAttachment = true;
  if (attachment !== undefined && attachment.length > 0) meta.attachmentSize = attachment.length;
  return encodeFrame(meta, payload, attachment);
}

const nothing = Buffer.alloc(0);

/**
 * The end of the body that is the attachment, and the payload before it, still compressed.
 * @returns `undefined` when `attachment_size` is none that the body can have
 */
export function splitBody(
  { body }: Frame,
  meta: RpcMeta,
): { payload: Buffer; attachment: Buffer } | undefined {
  const size = meta.attachmentSize ?? 0;
  if (size < 0 || size > body.length) return undefined;
  const end = body.length - size;
  return { payload: body.subarray(0, end), attachment: body.subarray(end) };
}

/**
 * Checks the checksum, if there is one of a known type, and decompresses.
 * @throws an Error when either fails, or the result were longer than `maxLength`
 */
export function readPayload(
  meta: RpcMeta,
  payload: Buffer,
  attachment: Buffer,
  maxLength: number,
): Uint8Array {
  if (meta.checksumType === checksumTypes.crc32c) {
    const expected = checksumValue(payload, meta.checksumWithAttachment ? attachment : undefined);
    if (meta.checksumValue === undefined || !expected.equals(meta.checksumValue)) {
      throw new RangeError("the checksum does not fit");
    }
  }
  const compression = compressionOf(meta.compressType ?? 0);
  if (compression === undefined) throw new RangeError(`compress_type ${meta.compressType} is not known here`);
  return decompress(compression, payload, maxLength);
}

/** Whether the sender of this checks and expects checksums. */
export function checksumOf(meta: RpcMeta): Checksum {
  return meta.checksumType === checksumTypes.crc32c ? "crc32c" : "none";
}

/** bRPC's words for what a payload is, for its error texts. */
export function payloadText(meta: RpcMeta): string {
  const content = contentNames[meta.contentType ?? 0] ?? "unknown";
  const compression = compressionOf(meta.compressType ?? 0) ?? "unknown";
  const checksum = { 0: "none", 1: "crc32c" }[meta.checksumType ?? 0] ?? "unknown";
  return `ContentType=${content}, CompressType=${compression}, ChecksumType=${checksum}`;
}

const contentNames = ["pb", "json", "proto-json", "proto-text"];
