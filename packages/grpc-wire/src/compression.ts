import { gunzipSync, gzipSync } from "node:zlib";
import { GrpcError, statusCode } from "./status.ts";

/** What we read, as `grpc-accept-encoding` says it. */
export const encodings = "identity,gzip";

/** Only gzip is written. */
export function compress(payload: Uint8Array): Buffer {
  return gzipSync(payload);
}

/**
 * @param encoding `grpc-encoding` of the stream
 * @param maxBytes how long the result may be: a small message may claim to be gigabytes
 * @throws GrpcError 12 for an encoding that isn't known, 8 beyond the limit, 13 for bytes that are none of it
 */
export function decompress(payload: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  if (encoding === undefined || encoding === "" || encoding === "identity")
    throw compressedFlagWithoutEncoding();
  if (encoding !== "gzip") {
    throw new GrpcError({
      code: statusCode.unimplemented,
      message: `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`,
    });
  }
  try {
    // 0 would mean no limit.
    return gunzipSync(payload, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new GrpcError({
        code: statusCode.resourceExhausted,
        message: `grpc: received message after decompression larger than max ${maxBytes}`,
      });
    }
    throw new GrpcError({
      code: statusCode.internal,
      message: `grpc: failed to decompress the received message: ${(thrown as Error).message}`,
    });
  }
}

/** The protocol's own words for a peer that contradicts itself. */
export function compressedFlagWithoutEncoding(): GrpcError {
  return new GrpcError({
    code: statusCode.internal,
    message: "grpc: compressed flag set with identity or empty encoding",
  });
}
