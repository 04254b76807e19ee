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
  const inOrder = linesInOrder(header, agentName);
  const canonical = inOrder === undefined ? newMetadata(header) : header;
  const lines = inOrder ?? sortedLines(canonical, agentName);
  const start = `POST / HTTP/1.1\r\n${fieldLine(hostField, host)}${agentLine(canonical[agentName])}`;
  // Go takes an empty body of a POST for one of unknown length.
  return bodyLength === 0
    ? `${start}Transfer-Encoding: chunked\r\n${lines}\r\n0\r\n\r\n`
    : `${start}Content-Length: ${bodyLength}\r\n${lines}\r\n`;
}

/**
 * The head of an answer. The header is the message's own: the headers of the connection's first request, which
 * go-micro repeats in every answer, are left out (docs/decisions/0020-no-echo.md).
 * @throws MicroError 400 `encode-failed` for a header name that HTTP can't carry.
 */
export function responseHead(header: Metadata, bodyLength: number): string {
  const lines = linesInOrder(header) ?? sortedLines(newMetadata(header));
  return bodyLength === 0
    ? `HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`
    : `HTTP/1.1 200 OK\r\nContent-Length: ${bodyLength}\r\n${lines}\r\n`;
}

/** A whole answer that tells why a request was refused; the connection is closed after it. */
export function refusal(statusLine: string, why: string): string {
  const body = `${why}\n`;
  return asBytes(
    `HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}`,
  );
}

/** A name as a message's header may have it, and the last line that was written for it. */
interface Field {
  readonly canonical: string;
  readonly framing: boolean;
  value: string;
  line: string;
}

/** Most messages of a process have the same few names, and almost always the same values. */
const fields = new Map<string, Field>();

/** Bounds of what is remembered: the number and length of names, and the length of a value. */
const maxFields = 1024;
const maxNameLength = 64;
const maxValueLength = 256;

/** @throws MicroError 400 `encode-failed` for a name that HTTP can't carry. */
function fieldOf(name: string): Field {
  const known = fields.get(name);
  if (known !== undefined) return known;
  const canonical = headerName(name);
  if (canonical === undefined) throw badHeaderName(name);
  const field = { canonical, framing: framingNames.has(canonical), value: "", line: `${canonical}: \r\n` };
  if (fields.size < maxFields && name.length <= maxNameLength) fields.set(name, field);
  return field;
}

function fieldLine(field: Field, value: string): string {
  if (field.value === value) return field.line;
  const line = `${field.canonical}: ${isVisible.test(value) ? value : asBytes(headerValue(value))}\r\n`;
  if (value.length <= maxValueLength) {
    field.value = value;
    field.line = line;
  }
  return line;
}

const isVisible = /^[!-~]*$/;

/** The lines of a header whose names are canonical and in order already, which is the rule; else `undefined`. */
function linesInOrder(header: Metadata, except?: string): string | undefined {
  let lines = "";
  let before = "";
  for (const name in header) {
    const field = fieldOf(name);
    if (field.canonical !== name || name < before) return undefined;
    before = name;
    lines += lineOf(field, header[name], except);
  }
  return lines;
}

/** @param header with canonical names */
function sortedLines(header: Metadata, except?: string): string {
  const names = Object.keys(header).sort();
  return names.map((name) => lineOf(fieldOf(name), header[name], except)).join("");
}

function lineOf(field: Field, value: string | undefined, except: string | undefined): string {
  // Whatever a program without types puts here: only a text can be looked through for line feeds.
  return field.framing || field.canonical === except ? "" : fieldLine(field, String(value ?? ""));
}

const hostField = fieldOf("Host");
const agentName = "User-Agent";
const agentField = fieldOf(agentName);

/** An empty one is left out. */
function agentLine(agent = userAgent): string {
  const line = fieldLine(agentField, agent);
  return line === "User-Agent: \r\n" ? "" : line;
}

function asBytes(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}
