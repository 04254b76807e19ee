import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { fuzzTest } from "@ts-micro/fuzz";
import { newMetadata } from "ts-micro";
import { codecFor, defaultCodecs } from "ts-micro/codec";
import {
  binaryValue,
  bytesOfValue,
  compress,
  contentTypeOf,
  decodeMessage,
  decodeTimeout,
  decompress,
  encodeMessage,
  encodeTimeout,
  formatOf,
  fromHeaders,
  isGrpcError,
  parsePath,
  pathOf,
  subtypeOf,
  toHeaders,
} from "../src/index.ts";

test("metadata becomes headers and metadata again", () => {
  const headers: Record<string, string> = {};
  const value = binaryValue(Buffer.from([0, 255, 10]));
  toHeaders({ "X-Tenant": "acme", "x-text": " ümlaut\n日本語 ", "X-Trace-Bin": value }, headers);
  assert.deepEqual(Object.keys(headers), ["x-tenant", "x-text", "x-trace-bin"]);
  assert.ok(
    Object.values(headers).every((each) => /^[\x20-\xff]*$/.test(each)),
    "one byte per character",
  );
  assert.deepEqual(
    fromHeaders(headers),
    newMetadata({ "X-Tenant": "acme", "X-Text": "ümlaut 日本語", "X-Trace-Bin": "AP8K" }),
  );
  assert.deepEqual(bytesOfValue("AP8K"), Buffer.from([0, 255, 10]));
  toHeaders({ "x-a-bin": binaryValue(Buffer.from([1])) }, headers);
  assert.equal(headers["x-a-bin"], "AQ", "unpadded, as grpc-go");
});

test("what belongs to gRPC or HTTP/2 is not sent as metadata", () => {
  const headers = {};
  const keys = [
    ":path",
    "Content-Type",
    "User-Agent",
    "TE",
    "grpc-timeout",
    "Grpc-Status",
    "grpc-encoding",
    "Connection",
    "Host",
  ];
  toHeaders(Object.fromEntries(keys.map((key) => [key, "x"])), headers);
  assert.deepEqual(headers, {});
});

test("metadata that can't be sent names its key", () => {
  assert.throws(() => toHeaders({ "x y": "1" }, {}), { code: 400, reason: "encode-failed", detail: /"x y"/ });
  assert.throws(() => toHeaders({ "X-Bin": "not base64!" }, {}), { code: 400, detail: /X-Bin.*base64/ });
});

test("grpc-timeout has at most eight digits, and is never shorter than what is left", () => {
  assert.equal(encodeTimeout(5_000), "5000m");
  assert.equal(encodeTimeout(4_999.2), "5000m");
  assert.equal(encodeTimeout(0), "1m");
  assert.equal(encodeTimeout(99_999_999), "99999999m");
  assert.equal(encodeTimeout(100_000_000), "100000S");
  assert.equal(encodeTimeout(1e300), "99999999H");
  for (const ms of [1, 1.5, 999, 1e7, 1e8 + 1, 1e12, 3.5e14])
    assert.ok(decodeTimeout(encodeTimeout(ms)) >= ms, String(ms));
  const units = { "1H": 3_600_000, "2M": 120_000, "3S": 3_000, "4m": 4, "5000u": 5, "6000000n": 6 };
  for (const [text, ms] of Object.entries(units)) assert.equal(decodeTimeout(text), ms);
  for (const text of ["", "5", "m", "123456789m", "-1m", "1.5S", "5s"]) {
    assert.throws(() => decodeTimeout(text), hasStatus(13), text);
  }
});

fuzzTest("grpc-message carries any text, and reads any", { rounds: 300 }, (random) => {
  const text = random.text(random.length(40), "ab %\n\tü日\u{1f600}~\x7f\x00");
  assert.match(encodeMessage(text), /^[\x20-\x7e]*$/);
  assert.equal(decodeMessage(encodeMessage(text)), text);
  decodeMessage(random.bytes(random.length(40)).toString("latin1"));
});

test("paths: go-micro's, plain gRPC's, and the endpoint's own", () => {
  const service = "go.micro.srv.x";
  assert.equal(pathOf({ service, endpoint: "Foo.Bar" }), "/go.micro.srv.x.Foo/Bar");
  assert.equal(pathOf({ service: "", endpoint: "Foo.Bar" }), "/Foo/Bar");
  assert.equal(pathOf({ service, endpoint: "Foo.Bar", package: "helloworld" }), "/helloworld.Foo/Bar");
  assert.equal(pathOf({ service, endpoint: "Foo.Bar", package: "" }), "/Foo/Bar");
  assert.equal(pathOf({ service, endpoint: "/a.B/C" }), "/a.B/C");
  for (const endpoint of ["Foo", "a.b.c", "Foo.", ".Bar"]) {
    assert.throws(() => pathOf({ service, endpoint }), { code: 400, reason: undefined });
  }
  assert.deepEqual(parsePath("/a.b.Greeter/Hello"), { service: "a.b.Greeter", method: "Hello" });
  const malformed = { "/Foo": 12, Foo: 12, "": 12, "/a/b/c": 3, "//b": 3, "/a/": 3 };
  for (const [path, code] of Object.entries(malformed)) {
    const message = `malformed method name: ${JSON.stringify(path)}`;
    assert.throws(() => parsePath(path), { grpc: { code, message } });
  }
});

test("content types go by go-micro's table", () => {
  const table = {
    "application/grpc": "proto",
    "application/grpc+proto": "proto",
    "application/proto": "proto",
    "application/protobuf": "proto",
    "application/octet-stream": "proto",
    "application/json": "json",
    "application/grpc+json": "json",
    "application/grpc+bytes": "bytes",
    "application/msgpack": "msgpack",
  };
  for (const [contentType, subtype] of Object.entries(table)) {
    assert.equal(contentTypeOf(contentType), `application/grpc+${subtype}`);
  }
  assert.equal(subtypeOf("application/grpc"), "proto");
  assert.equal(subtypeOf("application/grpc; charset=utf-8"), "proto");
  assert.equal(subtypeOf("application/grpc+json;x=y"), "json");
  for (const other of [
    "",
    "application/json",
    "application/grpcweb",
    "application/grpc-web+proto",
    "text/html",
  ]) {
    assert.equal(subtypeOf(other), undefined, other);
  }
});

test("JSON has no line feed after it; other formats are the codec's bytes", () => {
  const json = formatOf("json", "application/grpc+json", defaultCodecs);
  assert.equal(
    Buffer.from(json.encode({ name: "John" }, "request", undefined)).toString(),
    '{"name":"John"}',
  );
  assert.deepEqual(json.decode(Buffer.from('{"name":"John"} '), "request", undefined), { name: "John" });
  assert.equal(json.decode(Buffer.alloc(0), "request", undefined), undefined);
  const bytes = Buffer.from([1, 10]);
  for (const subtype of ["proto", "bytes"]) {
    const format = formatOf(subtype, `application/grpc+${subtype}`, defaultCodecs);
    assert.deepEqual(format.encode(bytes, "request", undefined), bytes);
  }
  assert.throws(() => formatOf("msgpack", "application/grpc+msgpack", defaultCodecs), {
    reason: "unsupported-content-type",
  });
  const own = { ...defaultCodecs, "application/msgpack": codecFor("application/octet-stream") };
  assert.deepEqual(formatOf("msgpack", "x", own).decode(bytes, "request", undefined), bytes);
});

test("gzip is read up to the limit, and nothing else is", () => {
  const text = Buffer.from("x".repeat(100_000));
  assert.ok(compress(text).length < 1_000);
  assert.deepEqual(decompress(compress(text), "gzip", text.length), text);
  assert.throws(() => decompress(gzipSync(text), "gzip", text.length - 1), {
    grpc: { code: 8, message: "grpc: received message after decompression larger than max 99999" },
  });
  assert.throws(() => decompress(Buffer.from("no gzip"), "gzip", 100), hasStatus(13));
  assert.throws(() => decompress(text, "snappy", 100), {
    grpc: { code: 12, message: 'grpc: Decompressor is not installed for grpc-encoding "snappy"' },
  });
  for (const none of [undefined, "", "identity"]) {
    assert.throws(() => decompress(text, none, 100), hasStatus(13));
  }
});

function hasStatus(code: number): (error: unknown) => boolean {
  return (error) => isGrpcError(error) && error.grpc.code === code;
}
