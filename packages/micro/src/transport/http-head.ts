/**
 * Reads the head of an HTTP/1.1 message: the start line, the fields, and how the body is delimited.
 *
 * Strict where two readers could see two different messages (RFC 9112 §11.2, request smuggling): a head that isn't
 * exactly as the RFC has it is refused, never mended.
 */
import { type Metadata, newMetadata } from "../metadata.ts";
import { framingNames, headerName } from "./header.ts";
import { HttpError } from "./http-error.ts";

export interface HttpHead {
  /** Empty for a response. */
  method: string;
  /** 0 for a request. */
  status: number;
  /** `404 Not Found`; empty for a request. */
  statusLine: string;
  /** Without framing. A name that came twice has its first value, as in go-micro. */
  header: Metadata;
  /** The body's length in bytes, or how its end is found. */
  body: number | "chunked" | "until-close";
  /** The sender wants the connection closed after this exchange. */
  close: boolean;
  /** The client sends the body only after `100 Continue`. */
  expectsContinue: boolean;
}

/** Far more than any service sends; bounds the work that one head can cause. */
const maxFields = 256;

/** A value that is cut out of a head keeps all of the head alive. Of longer ones than this, in bytes, values are copied. */
const longestKept = 2_048;

/** Every control character but TAB, and every CR or LF that is not part of a CRLF. */
const illegalBytes = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

/** @param text the head as latin1, without the empty line that ends it. */
export function parseRequestHead(text: string): HttpHead {
  refuseIllegalBytes(text);
  const [line, fields] = cutStartLine(text);
  const match = /^(\S+) (\S+) HTTP\/(\d)\.(\d)$/.exec(line);
  if (match === null) throw new HttpError(400, "malformed request line");
  const [, method = "", , major, minor] = match;
  if (headerName(method) === undefined) throw new HttpError(400, "malformed method");
  if (major !== "1" || Number(minor) > 1) {
    throw new HttpError(505, `only HTTP/1.1 is spoken here, not HTTP/${major}.${minor}`);
  }
  const head = newHead(minor === "0");
  head.method = method;
  const framing = readFields(fields, head);
  if (minor === "1" && framing.host === undefined) throw new HttpError(400, "no Host");
  refuseCodingIn10(minor, framing);
  head.body = framing.transferEncoding === undefined ? (framing.contentLength ?? 0) : "chunked";
  if (framing.expect !== undefined && minor === "1") {
    if (framing.expect.toLowerCase() !== "100-continue") throw new HttpError(417, "unknown expectation");
    head.expectsContinue = head.body !== 0;
  }
  return head;
}

/** @param text the head as latin1, without the empty line that ends it. */
export function parseResponseHead(text: string): HttpHead {
  refuseIllegalBytes(text);
  const [line, fields] = cutStartLine(text);
  const match = /^HTTP\/1\.([01]) (([1-5]\d\d)(?: .*)?)$/.exec(line);
  if (match === null)
    throw new HttpError(400, `malformed HTTP response ${JSON.stringify(line.slice(0, 80))}`);
  const [, minor, statusLine = "", status] = match;
  const head = newHead(minor === "0");
  head.status = Number(status);
  head.statusLine = statusLine;
  const framing = readFields(fields, head);
  refuseCodingIn10(minor, framing);
  // RFC 9112 §6.3
  if (head.status < 200 || head.status === 204 || head.status === 304) head.body = 0;
  else if (framing.transferEncoding !== undefined) head.body = "chunked";
  else head.body = framing.contentLength ?? "until-close";
  return head;
}

/** Checks the fields that may follow a chunked body. What they say is not used; of framing they may say nothing (RFC 9110 §6.5.1). */
export function checkTrailer(text: string): void {
  refuseIllegalBytes(text);
  const { contentLength, transferEncoding } = readFields(text, newHead(false));
  if (contentLength !== undefined || transferEncoding !== undefined) {
    throw new HttpError(400, "Content-Length or Transfer-Encoding in a trailer");
  }
}

/**
 * Refuses a head before it is complete, once nothing that follows can mend it. So a client that speaks another
 * protocol, or ends its lines with LF, gets its answer at once instead of after the time-out.
 * @param text a piece of a head; a CR at its end may still be followed by LF.
 */
export function refuseIllegalBytes(text: string): void {
  if (illegalBytes.test(text)) throw new HttpError(400, "control character or bare line end in the head");
}

interface Framing {
  host?: string;
  contentLength?: number;
  transferEncoding?: string;
  expect?: string;
}

function newHead(close: boolean): HttpHead {
  return {
    method: "",
    status: 0,
    statusLine: "",
    header: newMetadata(),
    body: 0,
    close,
    expectsContinue: false,
  };
}

function cutStartLine(text: string): [line: string, fields: string] {
  const end = text.indexOf("\r\n");
  return end === -1 ? [text, ""] : [text.slice(0, end), text.slice(end + 2)];
}

function readFields(text: string, head: HttpHead): Framing {
  const framing: Framing = {};
  const cut = text.length <= longestKept && !/[\x80-\xff]/.test(text);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    if (++count > maxFields) throw new HttpError(431, `more than ${maxFields} header fields`);
    const lineEnd = text.indexOf("\r\n", at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) throw new HttpError(400, "header field without colon");
    // Also refuses white space before the name (a folded line) and before the colon.
    const name = headerName(text.slice(at, colon));
    if (name === undefined) throw new HttpError(400, "malformed header name");
    const bytes = trimmed(text, colon + 1, end);
    if (framingNames.has(name)) readFraming(framing, name, bytes);
    else if (head.header[name] === undefined) {
      head.header[name] = cut ? bytes : Buffer.from(bytes, "latin1").toString();
      if (name === "Connection") head.close = closes(bytes, head.close);
    }
    at = end + 2;
  }
  if (framing.contentLength !== undefined && framing.transferEncoding !== undefined) {
    throw new HttpError(400, "Content-Length together with Transfer-Encoding");
  }
  return framing;
}

function refuseCodingIn10(minor: string | undefined, framing: Framing): void {
  if (minor === "0" && framing.transferEncoding !== undefined) {
    throw new HttpError(400, "Transfer-Encoding in HTTP/1.0");
  }
}

function readFraming(framing: Framing, name: string, value: string): void {
  switch (name) {
    case "Host":
      if (framing.host !== undefined) throw new HttpError(400, "more than one Host");
      framing.host = value;
      break;
    case "Content-Length":
      // Two of the same value are refused as well: nobody who writes them can be trusted with framing.
      if (framing.contentLength !== undefined) throw new HttpError(400, "more than one Content-Length");
      if (!/^\d{1,15}$/.test(value)) throw new HttpError(400, "malformed Content-Length");
      framing.contentLength = Number(value);
      break;
    case "Transfer-Encoding":
      if (framing.transferEncoding !== undefined) throw new HttpError(400, "more than one Transfer-Encoding");
      if (value.toLowerCase() !== "chunked") throw new HttpError(501, "unknown Transfer-Encoding");
      framing.transferEncoding = value;
      break;
    case "Expect":
      framing.expect = value;
      break;
    default:
    // The others ask for what is not done here, which is allowed (RFC 9110 §7.6, §7.8).
  }
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function closes(connection: string, otherwise: boolean): boolean {
  const wishes = connection.toLowerCase().split(",");
  if (wishes.some((wish) => wish.trim() === "close")) return true;
  return wishes.some((wish) => wish.trim() === "keep-alive") ? false : otherwise;
}
