import type { Message } from "../transport/transport.ts";
import type { Codec, Decoded, Frame, FrameKind, MessageType } from "./codec.ts";

/**
 * The body of a message: text where the codec writes some and it is ASCII, as almost all JSON is, so that nobody makes
 * bytes of it before the socket does.
 * @throws MicroError as the codec does
 */
export function encodeBody(
  codec: Codec,
  value: unknown,
  frame: Frame,
  type?: MessageType,
): string | Uint8Array {
  const text = codec.bodyText?.(value, frame, type);
  if (text === undefined) return codec.encode(value, frame, type);
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text);
}

/** @throws MicroError as the codec does */
export function decodeBody(
  codec: Codec,
  message: Pick<Message, "body" | "text">,
  kind: FrameKind,
  type?: MessageType,
): Decoded {
  if (message.text === undefined || codec.bodyText === undefined || codec.decodeText === undefined) {
    return codec.decode(message.body, kind, type);
  }
  return { value: codec.decodeText(message.text, kind, type) };
}
