import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";
import { decodeFailed, encodeFailed, kindOfValue, messageOf } from "./failures.ts";

/** `application/octet-stream`: the body is the value (go-micro `codec/bytes/bytes.go`). */
export const bytesCodec: Codec = bodyCodec("bytes");

/**
 * A codec whose body is the value's bytes and nothing else: the value is bytes already, or a `MessageType`
 * makes it so. Absent values are no bytes; go-micro v2.9.1 fails there and loses its errors with it.
 */
export function bodyCodec(name: string): Codec {
  return {
    name,
    encode: (value: unknown, _frame: Frame, type?: MessageType) => encodeBody(name, value, type),
    decode(body: Uint8Array, kind: FrameKind, type?: MessageType): Decoded {
      if (kind === "error" && body.length === 0) return { value: undefined };
      return { value: decodeBody(name, body, type) };
    },
  };
}

export function encodeBody(codec: string, value: unknown, type?: MessageType): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value === undefined || value === null) return new Uint8Array(0);
  if (type === undefined) {
    throw encodeFailed(
      codec,
      `${kindOfValue(value)} is not bytes, and no message type says how to make them`,
    );
  }
  let bytes: unknown;
  try {
    bytes = type.encode(value);
  } catch (thrown) {
    throw encodeFailed(codec, `the message type refused ${kindOfValue(value)}: ${messageOf(thrown)}`, thrown);
  }
  if (bytes instanceof Uint8Array) return bytes;
  throw encodeFailed(codec, `the message type made ${kindOfValue(bytes)} instead of bytes`);
}

export function decodeBody(codec: string, body: Uint8Array, type?: MessageType): unknown {
  if (type === undefined) return body;
  try {
    return type.decode(body);
  } catch (thrown) {
    throw decodeFailed(codec, messageOf(thrown), thrown);
  }
}
