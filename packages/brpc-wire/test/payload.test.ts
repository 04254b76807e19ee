import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { internalServerError, MicroError, newMetadata, notFound } from "ts-micro";
import {
  brpcError,
  type Compression,
  checksumValue,
  crc32c,
  decodeMeta,
  errno,
  errnoFor,
  errnoOf,
  errorFromResponse,
  type Frame,
  FrameReader,
  packFrame,
  RpcMeta,
  RpcRequestMeta,
  readMetadata,
  readPayload,
  splitBody,
  writeMetadata,
} from "../src/index.ts";

const plain = {
  attachment: undefined,
  compression: "none",
  checksum: "none",
  checksumWithAttachment: false,
} as const;

function frameOf(bytes: Buffer): Frame {
  const frames: Frame[] = [];
  new FrameReader({ maxBodyBytes: 1 << 20 }).read(bytes, (frame) => frames.push(frame));
  return frames[0] ?? assert.fail("no frame");
}

function unpack(bytes: Buffer, limit = 1 << 20): { body: Uint8Array; attachment: Buffer } {
  const frame = frameOf(bytes);
  const meta = decodeMeta(frame.meta);
  const { payload, attachment } = splitBody(frame, meta) ?? assert.fail("a bad attachment_size");
  return { body: readPayload(meta, payload, attachment, limit), attachment };
}

describe("payloads", () => {
  const body = Buffer.from("a message, a message, a message");
  const attachment = Buffer.from("and what comes with it");

  for (const compression of ["none", "snappy", "gzip", "zlib"] as Compression[]) {
    test(`${compression}: message and attachment come back, with and without checksum`, () => {
      for (const checksum of ["none", "crc32c"] as const) {
        for (const checksumWithAttachment of [false, true]) {
          const content = { body, attachment, compression, checksum, checksumWithAttachment };
          const read = unpack(packFrame(new RpcMeta(), content));
          assert.equal(Buffer.from(read.body).toString(), body.toString());
          assert.ok(read.attachment.equals(attachment));
        }
      }
    });

    test(`${compression}: a message longer than the limit is refused`, () => {
      if (compression === "none") return; // the frame's own limit is before it
      const zeros = Buffer.alloc(1 << 20);
      const bytes = packFrame(new RpcMeta(), { ...plain, body: zeros, compression });
      assert.ok(bytes.length < 60_000);
      assert.throws(() => unpack(bytes, (1 << 20) - 1));
      assert.equal(unpack(bytes, 1 << 20).body.length, 1 << 20);
    });
  }

  test("a checksum that does not fit, or is none, is refused", () => {
    const content = { ...plain, body, attachment, checksum: "crc32c", checksumWithAttachment: true } as const;
    const sound = packFrame(new RpcMeta(), content);
    for (const at of [sound.length - 1, sound.length - attachment.length - 1]) {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] as number) ^ 1;
      assert.throws(() => unpack(damaged), /checksum/);
    }
    const meta = new RpcMeta();
    meta.checksumType = 1;
    assert.throws(() => readPayload(meta, body, attachment, 1_000), /checksum/);
    meta.checksumValue = Buffer.from([1, 2, 3]);
    assert.throws(() => readPayload(meta, body, attachment, 1_000), /checksum/);
  });

  test("a checksum or compression of an unknown type: the one is passed over, the other an error", () => {
    const meta = new RpcMeta();
    meta.checksumType = 9;
    assert.ok(Buffer.from(readPayload(meta, body, attachment, 1_000)).equals(body));
    meta.compressType = 4;
    assert.throws(() => readPayload(meta, body, attachment, 1_000), /compress_type 4/);
    meta.compressType = -1;
    assert.throws(() => readPayload(meta, body, attachment, 1_000), /compress_type -1/);
  });

  test("gzip that is cut off or followed by rubbish is an error", () => {
    const meta = new RpcMeta();
    meta.compressType = 2;
    const sound = gzipSync(body);
    assert.throws(() => readPayload(meta, sound.subarray(0, 20), attachment, 1_000));
    assert.throws(() => readPayload(meta, Buffer.from("no gzip"), attachment, 1_000));
  });

  test("CRC-32C is that of RFC 3720", () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, n) => n))), 0x46dd794e);
    assert.equal(crc32c(Buffer.from("6789"), crc32c(Buffer.from("12345"))), 0xe3069283);
    // Recorded from bRPC.
    assert.equal(checksumValue(Buffer.from("0a08636865636b73756d", "hex")).toString("hex"), "48840e0b");
  });
});

describe("errors", () => {
  test("codes of bRPC become go-micro's, and the text loses its prefix", () => {
    const error = errorFromResponse(1003, "[127.0.0.1:8000][E1003]Fail to parse");
    assert.deepEqual([error.id, error.code, error.detail], ["brpc", 400, "Fail to parse"]);
    assert.equal(errnoOf(error), 1003);
    assert.equal((error.cause as Error).message, "[127.0.0.1:8000][E1003]Fail to parse");
    assert.equal(errorFromResponse(2001, "[::1]:80][E7]odd").detail, "[::1]:80][E7]odd");
    assert.equal(errorFromResponse(7, "[[::1]:80][E7]fine").detail, "fine");
    const codes = {
      1001: 404,
      1002: 404,
      1004: 401,
      1008: 408,
      2001: 500,
      2003: 503,
      2004: 503,
      77: 500,
      418: 418,
    };
    for (const [code, expected] of Object.entries(codes)) {
      assert.equal(errorFromResponse(Number(code), "").code, expected, code);
    }
  });

  test("a server that is stopping has not run the call", () => {
    assert.equal(errorFromResponse(errno.logOff, "").reason, "draining");
    assert.equal(errorFromResponse(errno.limit, "").reason, undefined);
  });

  test("go-micro's codes become bRPC's; a code of the service's own stays", () => {
    assert.equal(errnoFor(notFound("users", "no user 42")), 404);
    assert.equal(errnoFor(internalServerError("users", "oh")), 2001);
    assert.equal(errnoFor(new MicroError({ detail: "plain" })), 2001);
    assert.equal(errnoFor(new MicroError({ code: 503 })), errno.limit);
    assert.equal(errnoFor(new MicroError({ code: 7 })), 2001);
    assert.equal(errnoFor(brpcError(7, "mine")), 7);
    assert.equal(errnoOf(new Error("another")), undefined);
    for (const code of [0, 1.5, 2 ** 31, Number.NaN]) assert.throws(() => brpcError(code, "no"), RangeError);
  });
});

describe("metadata", () => {
  test("what has a field of its own goes there, the rest into user fields in lower case", () => {
    const meta = new RpcMeta();
    const request = new RpcRequestMeta();
    meta.request = request;
    const metadata = newMetadata({
      "Log-Id": "4711",
      "Micro-Trace-Id": "-9223372036854775808",
      "Micro-Span-Id": "no number",
      "Micro-Parent-Span-Id": "007",
      "X-Request-Id": "r",
      "X-Tenant": "blue",
    });
    writeMetadata(metadata, meta, request);
    assert.deepEqual([request.logId, request.traceId, request.spanId], [4711n, -(2n ** 63n), undefined]);
    assert.deepEqual([request.parentSpanId, request.requestId], [undefined, "r"]);
    assert.deepEqual(
      [...(meta.userFields ?? [])],
      [
        ["micro-span-id", "no number"],
        ["micro-parent-span-id", "007"],
        ["x-tenant", "blue"],
      ],
    );
    assert.deepEqual(readMetadata(meta), metadata);
  });

  test("a user field can't replace a field of the protocol, nor be anything but a key", () => {
    const meta = new RpcMeta();
    meta.request = new RpcRequestMeta();
    meta.request.logId = 1n;
    meta.userFields = new Map([
      ["log-id", "2"],
      ["__proto__", "3"],
      ["constructor", "4"],
    ]);
    const metadata = readMetadata(meta);
    assert.equal(metadata["Log-Id"], "1");
    assert.equal(metadata.Constructor, "4");
    assert.equal(Object.getPrototypeOf(metadata), null);
  });
});
