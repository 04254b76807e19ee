import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeMeta, encodeFrame, type Frame, FrameReader, RpcMeta, RpcRequestMeta } from "../src/index.ts";
import { newRandom } from "./random.ts";

const maxBodyBytes = 100_000;

function request(payload: Uint8Array, id = 1n): Buffer {
  const meta = new RpcMeta();
  meta.request = new RpcRequestMeta();
  meta.request.serviceName = "example.EchoService";
  meta.request.methodName = "Echo";
  meta.correlationId = id;
  return encodeFrame(meta, payload);
}

function read(chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader({ maxBodyBytes });
  for (const chunk of chunks) reader.read(chunk, (frame) => frames.push(frame));
  return frames;
}

function header(magic: string, body: number, meta: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.write(magic);
  bytes.writeUInt32BE(body, 4);
  bytes.writeUInt32BE(meta, 8);
  return bytes;
}

describe("frames", () => {
  test("however they arrive, they are the same", () => {
    const random = newRandom(1);
    const payloads = [0, 1, 11, 12, 500, 70_000, 3].map((size) => random.bytes(size));
    const all = Buffer.concat(payloads.map((payload, n) => request(payload, BigInt(n))));
    for (let round = 0; round < 200; round++) {
      const most = [1, 5, 100, 5_000, 100_000][round % 5] as number;
      const chunks: Buffer[] = [];
      for (let at = 0; at < all.length; ) {
        const end = at + 1 + random.below(most);
        chunks.push(all.subarray(at, end));
        at = end;
      }
      const frames = read(round % 5 === 0 && round > 5 ? [all] : chunks);
      assert.equal(frames.length, payloads.length);
      for (const [n, { meta, body }] of frames.entries()) {
        assert.equal(decodeMeta(meta).correlationId, BigInt(n));
        assert.ok(body.equals(payloads[n] as Buffer));
      }
    }
  });

  test("another magic is an error as soon as it shows", () => {
    for (const bytes of ["PRPX", "PRQ", "GET / HTTP/1.1\r\n", "\x16\x03\x01", "Q"]) {
      assert.throws(
        () => read([Buffer.from(bytes, "latin1")]),
        { reason: "decode-failed", id: "brpc" },
        bytes,
      );
    }
    assert.throws(
      () => read([Buffer.concat([request(Buffer.from("x")), Buffer.from("oops")])]),
      /begins with/,
    );
    assert.throws(() => read([..."PRPx"].map((byte) => Buffer.from(byte))), /"PRPx"/);
  });

  test("a body that is too long is refused at its header, one that is just short enough is not", () => {
    assert.throws(() => read([header("PRPC", maxBodyBytes + 1, 0)]), { code: 413, reason: "too-large" });
    assert.throws(
      () => read([header("PRPC", 0xffff_ffff, 0)]),
      /4294967295 bytes, and maxBodyBytes is 100000/,
    );
    assert.deepEqual(read([header("PRPC", maxBodyBytes, 0)]), []);
    assert.equal(
      read([header("PRPC", maxBodyBytes, 0), Buffer.alloc(maxBodyBytes)])[0]?.body.length,
      maxBodyBytes,
    );
  });

  test("a meta that is longer than the body is an error, or told and passed over", () => {
    const odd = Buffer.concat([header("PRPC", 5, 6), Buffer.alloc(5)]);
    assert.throws(() => read([odd]), /meta of 6 bytes is longer than the body of 5/);
    const problems: string[] = [];
    const frames: Frame[] = [];
    const reader = new FrameReader({ maxBodyBytes, onSkipped: (problem) => problems.push(problem) });
    reader.read(Buffer.concat([odd, request(Buffer.from("next"))]), (frame) => frames.push(frame));
    assert.equal(problems.length, 1);
    assert.equal(frames[0]?.body.toString(), "next");
    assert.equal(reader.midFrame, false);
  });

  test("an announced length costs no memory before it comes, and neither do pieces of one byte", () => {
    const reader = new FrameReader({ maxBodyBytes: 64 << 20 });
    const before = process.memoryUsage().arrayBuffers;
    reader.read(header("PRPC", 64 << 20, 0), () => {});
    const byte = Buffer.from("x");
    for (let n = 0; n < 100_000; n++) reader.read(byte, () => {});
    assert.ok(reader.midFrame);
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 << 20);
  });
});
