/** go-micro's bytes on the wire, derived from its source: one call each, as the http transport writes it. */
import type { Metadata } from "../../src/metadata.ts";

export interface Example {
  name: string;
  /** What is handed to the transport. For an answer of go-micro: its echo of the first request included. */
  header: Metadata;
  body: string;
  /** The bytes, as latin1. */
  wire: string;
  /** Their number, counted elsewhere. */
  length?: number;
}

/** The address that the requests were sent to. */
export const exampleHost = "127.0.0.1:9090";

const call = {
  "Micro-Endpoint": "Say.Hello",
  "Micro-Method": "Say.Hello",
  "Micro-Service": "go.micro.srv.greeter",
  Timeout: "5000000000",
};
const json = { Accept: "application/json", "Content-Type": "application/json" };
const protobuf = { Accept: "application/protobuf", "Content-Type": "application/protobuf" };
const userAgent = { "User-Agent": "Go-http-client/1.1" };
const counting = {
  "Micro-Endpoint": "Stream.Count",
  "Micro-Id": "7",
  "Micro-Method": "Stream.Count",
  "Micro-Service": "go.micro.srv.greeter",
  "Micro-Stream": "7",
};
const notFound = '{"id":"go.micro.srv.greeter","code":404,"detail":"no such user","status":"Not Found"}';

export const requests: Example[] = [
  {
    name: "E1 JSON call",
    header: { ...json, ...call, "Micro-Id": "0" },
    body: '{"name":"John"}\n',
    length: 290,
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Content-Length: 16",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 0",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "",
      '{"name":"John"}\n',
    ),
  },
  {
    name: "E3 protobuf call",
    header: { ...protobuf, ...call, "Micro-Id": "1" },
    body: "\x0a\x04John",
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Content-Length: 6",
      "Accept: application/protobuf",
      "Content-Type: application/protobuf",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 1",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "",
      "\x0a\x04John",
    ),
  },
  {
    name: "E3 empty protobuf call",
    header: { ...protobuf, ...call, "Micro-Id": "2" },
    body: "",
    length: 295,
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Transfer-Encoding: chunked",
      "Accept: application/protobuf",
      "Content-Type: application/protobuf",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 2",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "",
      "0",
      "",
      "",
    ),
  },
  {
    name: "E5 stream handshake",
    header: { ...json, ...counting },
    body: "{}\n",
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Content-Length: 3",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Stream.Count",
      "Micro-Id: 7",
      "Micro-Method: Stream.Count",
      "Micro-Service: go.micro.srv.greeter",
      "Micro-Stream: 7",
      "",
      "{}\n",
    ),
  },
  {
    name: "E5 end of stream",
    header: { ...json, ...counting, "Micro-Error": "EOS" },
    body: "",
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Transfer-Encoding: chunked",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Stream.Count",
      "Micro-Error: EOS",
      "Micro-Id: 7",
      "Micro-Method: Stream.Count",
      "Micro-Service: go.micro.srv.greeter",
      "Micro-Stream: 7",
      "",
      "0",
      "",
      "",
    ),
  },
  {
    name: "E8 event",
    header: {
      "Content-Type": "application/json",
      "Micro-Id": "6f1c1a52-2f0b-4d5e-9a6b-0d9b8a2f4c11",
      "Micro-Topic": "user.created",
    },
    body: '{"id":"42"}\n',
    length: 212,
    wire: lines(
      "POST / HTTP/1.1",
      "Host: 127.0.0.1:9090",
      "User-Agent: Go-http-client/1.1",
      "Content-Length: 12",
      "Content-Type: application/json",
      "Micro-Id: 6f1c1a52-2f0b-4d5e-9a6b-0d9b8a2f4c11",
      "Micro-Topic: user.created",
      "",
      '{"id":"42"}\n',
    ),
  },
];

export const answers: Example[] = [
  {
    name: "E1 JSON answer",
    header: { ...json, ...call, ...userAgent, "Micro-Id": "0", "X-Micro-Id": "0" },
    body: '{"msg":"Hello John"}\n',
    length: 288,
    wire: lines(
      "HTTP/1.1 200 OK",
      "Content-Length: 21",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 0",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "User-Agent: Go-http-client/1.1",
      "X-Micro-Id: 0",
      "",
      '{"msg":"Hello John"}\n',
    ),
  },
  {
    name: "E2 answer to the second call, with the stale echo",
    header: { ...json, ...call, ...userAgent, "Micro-Id": "1", "X-Micro-Id": "1" },
    body: '{"msg":"Bye John"}\n',
    wire: lines(
      "HTTP/1.1 200 OK",
      "Content-Length: 19",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 1",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "User-Agent: Go-http-client/1.1",
      "X-Micro-Id: 1",
      "",
      '{"msg":"Bye John"}\n',
    ),
  },
  {
    name: "E3 empty protobuf answer",
    header: { ...protobuf, ...call, ...userAgent, "Micro-Id": "2", "X-Micro-Id": "2" },
    body: "",
    length: 274,
    wire: lines(
      "HTTP/1.1 200 OK",
      "Accept: application/protobuf",
      "Content-Type: application/protobuf",
      "Micro-Endpoint: Say.Hello",
      "Micro-Id: 2",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "User-Agent: Go-http-client/1.1",
      "X-Micro-Id: 2",
      "Content-Length: 0",
      "",
      "",
    ),
  },
  {
    name: "E4 application error",
    header: {
      ...json,
      ...call,
      ...userAgent,
      "Micro-Id": "3",
      "Micro-Error": notFound,
      "X-Micro-Error": notFound,
    },
    body: "",
    wire: lines(
      "HTTP/1.1 200 OK",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Say.Hello",
      `Micro-Error: ${notFound}`,
      "Micro-Id: 3",
      "Micro-Method: Say.Hello",
      "Micro-Service: go.micro.srv.greeter",
      "Timeout: 5000000000",
      "User-Agent: Go-http-client/1.1",
      `X-Micro-Error: ${notFound}`,
      "Content-Length: 0",
      "",
      "",
    ),
  },
  {
    name: "E5 stream item",
    header: {
      ...json,
      ...counting,
      ...userAgent,
      "X-Micro-Endpoint": "Stream.Count",
      "X-Micro-Id": "7",
      "X-Micro-Method": "Stream.Count",
      "X-Micro-Service": "go.micro.srv.greeter",
    },
    body: '{"n":1}\n',
    wire: lines(
      "HTTP/1.1 200 OK",
      "Content-Length: 8",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Stream.Count",
      "Micro-Id: 7",
      "Micro-Method: Stream.Count",
      "Micro-Service: go.micro.srv.greeter",
      "Micro-Stream: 7",
      "User-Agent: Go-http-client/1.1",
      "X-Micro-Endpoint: Stream.Count",
      "X-Micro-Id: 7",
      "X-Micro-Method: Stream.Count",
      "X-Micro-Service: go.micro.srv.greeter",
      "",
      '{"n":1}\n',
    ),
  },
  {
    name: "E5 end of stream",
    header: { ...json, ...counting, ...userAgent, "Micro-Error": "EOS", "X-Micro-Error": "EOS" },
    body: "",
    wire: lines(
      "HTTP/1.1 200 OK",
      "Accept: application/json",
      "Content-Type: application/json",
      "Micro-Endpoint: Stream.Count",
      "Micro-Error: EOS",
      "Micro-Id: 7",
      "Micro-Method: Stream.Count",
      "Micro-Service: go.micro.srv.greeter",
      "Micro-Stream: 7",
      "User-Agent: Go-http-client/1.1",
      "X-Micro-Error: EOS",
      "Content-Length: 0",
      "",
      "",
    ),
  },
];

/** Joins with CRLF; the last one is the body. */
export function lines(...parts: string[]): string {
  return parts.join("\r\n");
}
