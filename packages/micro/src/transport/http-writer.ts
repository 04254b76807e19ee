/**
 * Writes messages as go-micro's http transport does (spec: Go `net/http` `Request.Write`, `Response.Write`): the
 * order of lines, the canonical names, and the way an empty body is announced are the same byte for byte.
 *
 * Heads are texts in which each character is one byte, ready to be written as latin1.
 */
import { type Metadata, newMetadata } from "../metadata.ts";
import { badHeaderName, framingNames, headerName, headerValue } from "./header.ts";

/** What Go writes when the message names no other; some meshes tell services from browsers by it. */
const userAgent = "Go-http-client/1.1";

/**
 * The head of a request, with the empty body's last chunk where there is no body.
 * @param host the dialled address
 * @throws MicroError 400 `encode-failed` for a header name that HTTP can't carry.
 */
export function requestHead(host: string, header: Metadata, bodyLength: number): string {
  const canonical = withCanonicalNames(header);
  const agent = headerValue(canonical["User-Agent"] ?? userAgent);
  const agentLine = agent === "" ? "" : `User-Agent: ${agent}\r\n`;
  // Go takes an empty body of a POST for one of unknown length.
  const bodyLine = bodyLength === 0 ? "Transfer-Encoding: chunked" : `Content-Length: ${bodyLength}`;
  const fields = fieldLines(canonical, "User-Agent");
  const end = bodyLength === 0 ? "\r\n0\r\n\r\n" : "\r\n";
  return asBytes(`POST / HTTP/1.1\r\nHost: ${host}\r\n${agentLine}${bodyLine}\r\n${fields}${end}`);
}

/**
 * The head of an answer. The header is the message's own: the headers of the connection's first request, which
 * go-micro repeats in every answer, are left out (docs/decisions/0020-no-echo.md).
 * @throws MicroError 400 `encode-failed` for a header name that HTTP can't carry.
 */
export function responseHead(header: Metadata, bodyLength: number): string {
  const fields = fieldLines(withCanonicalNames(header));
  return asBytes(
    bodyLength === 0
      ? `HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`
      : `HTTP/1.1 200 OK\r\nContent-Length: ${bodyLength}\r\n${fields}\r\n`,
  );
}

/** A whole answer that tells why a request was refused; the connection is closed after it. */
export function refusal(statusLine: string, why: string): string {
  const body = `${why}\n`;
  return asBytes(
    `HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}`,
  );
}

/** The same object when its names are canonical already, which is the rule. */
function withCanonicalNames(header: Metadata): Metadata {
  for (const key in header) {
    const name = headerName(key);
    if (name === undefined) throw badHeaderName(key);
    if (name !== key) return newMetadata(header);
  }
  return header;
}

function fieldLines(header: Metadata, except?: string): string {
  const names: string[] = [];
  let sorted = true;
  for (const name in header) {
    if (framingNames.has(name) || name === except) continue;
    if (names.length > 0 && name < (names[names.length - 1] ?? "")) sorted = false;
    names.push(name);
  }
  if (!sorted) names.sort();
  let lines = "";
  for (const name of names) lines += `${name}: ${headerValue(header[name] ?? "")}\r\n`;
  return lines;
}

function asBytes(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}
