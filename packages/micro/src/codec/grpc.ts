import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";

/**
 * `application/grpc*`: the inner codec's bytes behind gRPC's five-byte prefix (go-micro `codec/grpc/grpc.go`).
 *
 * Events are written without it, as go-micro's default publisher does, and read either way: nobody in the
 * mesh agrees on it. No protobuf message and no JSON text starts with the prefix's zero byte.
 */
export function grpcCodec(name: string, inner: Codec): Codec {
  return {
    name,
    encode(value: unknown, frame: Frame, type?: MessageType): Uint8Array {
      const payload = inner.encode(value, frame, type);
      if (frame.kind === "event" || payload.length === 0) return payload;
      const prefix = Buffer.alloc(prefixLength);
      prefix.writeUInt32BE(payload.length, 1);
      return Buffer.concat([prefix, payload]);
    },
    decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
      return inner.decode(isFramed(body) ? body.subarray(prefixLength) : body, kind, type);
    },
  };
}

const prefixLength = 5;

function isFramed(body: Uint8Array): boolean {
  if (body.length < prefixLength || body[0] !== 0) return false;
  const length = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(1);
  return length === body.length - prefixLength;
}
