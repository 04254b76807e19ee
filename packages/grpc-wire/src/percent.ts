/** `grpc-message`: UTF-8 with everything but printable ASCII, and `%` itself, as `%XX`. */
export function encodeMessage(text: string): string {
  if (!/[^ -$&-~]/.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Reads it back. What is no escape after all stays as it is, so that no text is lost by a careless peer. */
export function decodeMessage(value: string): string {
  if (!/[%\x80-\xff]/.test(value)) return value;
  const bytes = value.replace(/%([0-9a-fA-F]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString();
}
