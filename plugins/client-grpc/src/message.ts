import { compress, encodeFrame, type Format } from "@ts-micro/grpc-wire";
import { type MessageType, MicroError } from "ts-micro";
import type { GrpcSettings } from "./options.ts";

/**
 * One request message with its prefix.
 * @throws MicroError 500 `encode-failed`, 413 `too-large`
 */
export function encodeRequest(
  body: unknown,
  type: MessageType | undefined,
  format: Format,
  compressed: boolean,
  { maxSendMessageBytes }: GrpcSettings,
): Buffer {
  const payload = format.encode(body, "request", type);
  const bytes = compressed ? compress(payload) : payload;
  if (bytes.length <= maxSendMessageBytes) return encodeFrame(bytes, compressed);
  throw new MicroError({
    id: "go.micro.client",
    code: 413,
    detail:
      `trying to send message larger than max (${bytes.length} vs. ${maxSendMessageBytes}); ` +
      "make it a stream, or raise maxSendMessageBytes here and maxReceiveMessageBytes there",
    reason: "too-large",
  });
}
