import { errorText, MicroError } from "../errors.ts";
import { endOfStream, headers } from "../headers.ts";
import { type Metadata, newMetadata } from "../metadata.ts";
import { newMessage } from "../transport/message.ts";
import type { Message } from "../transport/transport.ts";
import type { RequestHead } from "./request.ts";

/*
 * The messages of the answering side. Names are in the order in which HTTP sends them, so that the transport
 * needn't sort. go-micro repeats the request's headers in errors; here only mucp's own come back, so that no
 * answer carries a token (spec of the wire: §3.5, pitfall P5).
 */

const nothing = new Uint8Array(0);

export function unaryAnswer(head: RequestHead, body: string | Uint8Array): Message {
  const header = newMetadata();
  if (body.length > 0) header[headers.contentType] = head.contentType;
  if (head.id !== "") {
    header[headers.id] = head.id;
    header[legacy.id] = head.id;
  }
  return newMessage(header, body);
}

export function streamItem(head: RequestHead, stream: string, body: string | Uint8Array): Message {
  const header = newMetadata();
  if (body.length > 0) header[headers.contentType] = head.contentType;
  header[headers.endpoint] = head.endpoint;
  header[headers.id] = head.id;
  header[headers.method] = head.endpoint;
  header[headers.service] = head.service;
  header[headers.stream] = stream;
  header[legacy.endpoint] = head.endpoint;
  header[legacy.id] = head.id;
  header[legacy.method] = head.endpoint;
  header[legacy.service] = head.service;
  return newMessage(header, body);
}

/** The handler of the stream has ended, well or not. Rpc codecs repeat it in the body. */
export function streamEnd(head: RequestHead, stream: string, error?: MicroError): Message {
  const text = error === undefined ? endOfStream : wireText(error);
  return { header: failureHeader(head, text, stream), body: errorBody(head, text) };
}

/** Confirms a client's half-close, with which it learns that an end will come (docs/decisions/0011). */
export function halfCloseAnswer(head: RequestHead, stream: string): Message {
  const header = newMetadata();
  header[headers.halfClose] = "true";
  header[headers.id] = head.id;
  header[headers.stream] = stream;
  return { header, body: nothing };
}

export function errorAnswer(head: RequestHead, error: MicroError): Message {
  const text = wireText(error);
  return { header: failureHeader(head, text), body: errorBody(head, text) };
}

/**
 * A request that could not even be read. An unknown content type is told in plain text, as go-micro does,
 * and beside that as an error.
 */
export function unreadableAnswer(request: Metadata, error: MicroError): Message {
  const header = newMetadata();
  const plain = error.reason === "unsupported-content-type";
  if (plain) header[headers.contentType] = "text/plain";
  const text = wireText(error);
  header[headers.error] = text;
  const id = request[headers.id];
  if (id) header[headers.id] = id;
  const stream = request[headers.stream];
  if (stream) header[headers.stream] = stream;
  header[legacy.error] = text;
  return { header, body: plain ? Buffer.from(error.detail) : nothing };
}

/** The answer to an event that came as a request. */
export function eventAnswer(request: Metadata, error?: MicroError): Message {
  const header = newMetadata();
  for (const name of [headers.contentType, headers.id, headers.topic]) {
    const value = request[name];
    if (value) header[name] = value;
  }
  if (error !== undefined) header[headers.error] = wireText(error);
  return { header, body: nothing };
}

/** The last message of a connection, after which no request is taken (docs/decisions/0010-goodbye.md). */
export function goodbye(): Message {
  const header = newMetadata();
  header[headers.connection] = "close";
  // 408 is what go-micro's clients repeat elsewhere.
  header[headers.error] = errorText(
    new MicroError({ id: "go.micro.server", code: 408, detail: "the server is shutting down" }),
  );
  header[headers.goodbye] = "draining";
  return { header, body: nothing };
}

/** go-micro's names from before 1.0, which it still writes beside the others. */
const legacy = {
  endpoint: "X-Micro-Endpoint",
  error: "X-Micro-Error",
  id: "X-Micro-Id",
  method: "X-Micro-Method",
  service: "X-Micro-Service",
} as const;

function failureHeader(head: RequestHead, text: string, stream = ""): Metadata {
  const header = newMetadata();
  header[headers.contentType] = head.contentType;
  header[headers.endpoint] = head.endpoint;
  header[headers.error] = text;
  if (head.id !== "") header[headers.id] = head.id;
  header[headers.method] = head.endpoint;
  if (head.service !== "") header[headers.service] = head.service;
  if (stream !== "") header[headers.stream] = stream;
  header[legacy.error] = text;
  return header;
}

/** Codecs with an envelope say it there too: go-micro's clients look into the body first. */
function errorBody(head: RequestHead, text: string): Uint8Array {
  try {
    return head.codec.encode(undefined, { kind: "error", id: "", endpoint: "", error: text });
  } catch {
    // A codec that can't write "nothing": the header alone says it.
    return nothing;
  }
}

/**
 * The text for the header. A client would read an empty one as success, and one that doesn't fit into the
 * head of an answer as a broken connection (it is there twice, and the http transport takes 64 KiB).
 */
function wireText(error: MicroError): string {
  const text = errorText(error);
  if (text === "") return "unknown error";
  if (text.length <= longestText && Buffer.byteLength(text) <= longestText) return text;
  const { id, code, status } = error;
  return errorText(new MicroError({ id, code, status, detail: `${error.detail.slice(0, 2_000)}…` }));
}

const longestText = 16 * 1024;
