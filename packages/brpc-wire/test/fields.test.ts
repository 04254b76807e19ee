import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FieldReader, FieldWriter } from "../src/fields.ts";
import { decodeMeta, RpcMeta, RpcRequestMeta, RpcResponseMeta } from "../src/index.ts";
import { writeMeta } from "../src/meta.ts";
import { newRandom } from "./random.ts";

function encode(meta: RpcMeta): Buffer {
  const writer = new FieldWriter();
  writeMeta(writer, meta);
  return Buffer.from(writer.written);
}

/** Bytes of a meta that must have a correlation id of 7 after them. */
const seven = "2007";

describe("RpcMeta", () => {
  test("every 64-bit number comes back", () => {
    const edges = [
      0n,
      1n,
      127n,
      128n,
      2n ** 31n,
      2n ** 32n,
      2n ** 53n + 1n,
      2n ** 63n - 1n,
      -1n,
      -(2n ** 63n),
    ];
    for (const value of edges) {
      const meta = new RpcMeta();
      meta.correlationId = value;
      meta.request = new RpcRequestMeta();
      meta.request.logId = value;
      const { correlationId, request } = decodeMeta(encode(meta));
      assert.deepEqual([correlationId, request?.logId], [value, value]);
    }
  });

  test("a negative 32-bit number comes back", () => {
    const meta = new RpcMeta();
    meta.response = new RpcResponseMeta();
    meta.response.errorCode = -1;
    assert.equal(decodeMeta(encode(meta)).response?.errorCode, -1);
    assert.equal(encode(meta).toString("hex"), "120b08ffffffffffffffffff01");
  });

  test("texts and nested messages of every length come back", () => {
    for (const length of [0, 1, 126, 127, 128, 129, 16_383, 16_384, 70_000, 2_097_152]) {
      const meta = new RpcMeta();
      meta.request = new RpcRequestMeta();
      meta.request.serviceName = "é".repeat(length >>> 1);
      meta.request.methodName = "m";
      meta.userFields = new Map([["key", "v".repeat(length)]]);
      meta.correlationId = 7n;
      assert.deepEqual(decodeMeta(encode(meta)), meta);
    }
  });

  test("what is not known is skipped, whatever its type", () => {
    const unknown = [
      "a006ff01",
      "a1060102030405060708",
      "a20603616263",
      "a50601020304",
      "a306080a1203616263a406",
      "a306a306a406a406",
    ];
    for (const hex of unknown)
      assert.equal(decodeMeta(Buffer.from(hex + seven, "hex")).correlationId, 7n, hex);
    // A known number with another type counts as unknown.
    assert.equal(
      decodeMeta(Buffer.from(`0a00`.replace("0a00", "1a03616263") + seven, "hex")).compressType,
      undefined,
    );
    // So does a content type that the enum lacks.
    assert.equal(decodeMeta(Buffer.from(`5009${seven}`, "hex")).contentType, undefined);
  });

  test("of a field that comes twice the last counts, and messages are merged", () => {
    assert.equal(decodeMeta(Buffer.from("20012007", "hex")).correlationId, 7n);
    const twice = decodeMeta(Buffer.from("12020805" + "12031201" + "78", "hex"));
    assert.deepEqual({ ...twice.response }, { errorCode: 5, errorText: "x" });
  });

  test("a request needs the names of service and method", () => {
    assert.throws(() => decodeMeta(Buffer.from("0a00", "hex")), /names no service/);
    assert.throws(() => decodeMeta(Buffer.from("0a030a0161", "hex")), /names no service or no method/);
    assert.equal(decodeMeta(Buffer.from("0a060a01611201" + "62", "hex")).request?.methodName, "b");
  });

  test("bytes that are no message are a RangeError", () => {
    const wrong = {
      "field number 0": "0001",
      "a number without end": "20ffffffffffffffffffff01",
      "a number that is cut off": "20ff",
      "bytes beyond the end": "620561",
      "a length of 4 GiB": "62ffffffff0f",
      "a length beyond that": "62ffffffffff01",
      "a wire type that isn't there": "a606",
      "the end of no group": "a406",
      "a group without end": "a306",
      "a group with another's end": "a306ac06",
      "too many groups": "a306".repeat(200),
    };
    for (const [what, hex] of Object.entries(wrong)) {
      assert.throws(() => decodeMeta(Buffer.from(hex, "hex")), RangeError, what);
    }
  });

  test("random bytes never do worse than a RangeError", () => {
    const random = newRandom(4);
    for (let round = 0; round < 20_000; round++) {
      const bytes = random.bytes(random.below(40));
      try {
        decodeMeta(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof RangeError, String(thrown));
      }
    }
  });

  test("a reader gives parts of the message, not copies", () => {
    const bytes = Buffer.from("0a03616263", "hex");
    const reader = new FieldReader(bytes);
    assert.equal(reader.next(), 1);
    assert.equal(reader.bytes()?.buffer, bytes.buffer);
    assert.equal(reader.next(), 0);
  });
});
