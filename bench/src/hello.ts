import { Buffer } from "node:buffer";

/**
 * The bodies of the gRPC contenders, a protobuf message with one text as field 1, by hand: none of them shall win by
 * its protobuf library. Texts are shorter than 128 bytes.
 */
export function encodeHello(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(2 + text.length);
  bytes[0] = 0x0a;
  bytes[1] = text.length;
  bytes.write(text, 2, "latin1");
  return bytes;
}

export function decodeHello(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + 2, bytes[1] as number).toString("latin1");
}
