/** What every HTTP/2 client sends first on a connection that has agreed on nothing (RFC 9113 §3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Whether a connection that begins so speaks HTTP/2; `undefined` while it may. */
export function isHttp2(firstBytes: Uint8Array): boolean | undefined {
  const length = Math.min(firstBytes.length, preface.length);
  if (preface.compare(firstBytes, 0, length, 0, length) !== 0) return false;
  return length === preface.length ? true : undefined;
}
