import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { snappyCompress, snappyDecompress } from "../src/snappy.ts";
import { newRandom } from "./random.ts";

const limit = 8 << 20;

describe("snappy", () => {
  test("what was compressed comes back, whatever it is", () => {
    const random = newRandom(1);
    const samples: Buffer[] = [
      "",
      "a",
      "short and never repeated",
      "abcd".repeat(5),
      "x".repeat(15),
      "x".repeat(16),
      "x".repeat(70_000),
      "0123456789abcdef".repeat(10_000),
    ].map((text) => Buffer.from(text));
    for (const size of [59, 60, 61, 255, 256, 257, 4_096, 65_535, 65_536, 65_537, 300_000]) {
      samples.push(random.bytes(size));
      // Few different bytes: matches of all lengths and distances.
      samples.push(Buffer.from(random.bytes(size).map((byte) => byte % 3)));
      samples.push(Buffer.from(random.bytes(size).map((byte, n) => (n % 1_000 < 900 ? n % 7 : byte))));
    }
    for (const sample of samples) {
      const compressed = snappyCompress(sample);
      assert.ok(compressed.length <= 32 + sample.length + sample.length / 6);
      assert.ok(snappyDecompress(compressed, limit).equals(sample), `${sample.length} bytes`);
    }
    assert.ok(snappyCompress(Buffer.alloc(100_000, "ab")).length < 10_000);
  });

  test("streams of another compressor are read: every kind of tag", () => {
    const read = (hex: string): string => snappyDecompress(Buffer.from(hex, "hex"), limit).toString();
    // As bRPC sent it.
    assert.equal(read("081c0a06736e61707079"), "\n\x06snappy");
    // A copy with an offset of one byte, of two, of four; a run that reads what it writes.
    assert.equal(read("080c61626364" + "0104"), "abcdabcd");
    assert.equal(read("080c61626364" + "0e0400"), "abcdabcd");
    assert.equal(read("080c61626364" + "0f04000000"), "abcdabcd");
    assert.equal(read("090061" + "1101"), "a".repeat(9));
    // Literals whose length takes one to four bytes.
    for (const [tag, length] of [
      ["f0", "03"],
      ["f4", "0300"],
      ["f8", "030000"],
      ["fc", "03000000"],
    ]) {
      assert.equal(read(`04${tag}${length}61626364`), "abcd");
    }
  });

  test("what is no snappy is an error", () => {
    const wrong = {
      "no bytes": "",
      "a length without end": "ffffffffff",
      "a length beyond 32 bits": "ffffffff7f",
      "too little": "05" + "0c61626364",
      "too much": "03" + "0c61626364",
      "a literal beyond the end": "08" + "1c6162",
      "a copy from before the beginning": "08" + "0c61626364" + "0105",
      "a copy of distance 0": "08" + "0c61626364" + "0100",
      "a copy that is cut off": "08" + "0c61626364" + "01",
      "a copy that is too long": "06" + "0c61626364" + "0104",
      "a far copy with the highest bit": "08" + "0c61626364" + "0f000000ff",
    };
    for (const [what, hex] of Object.entries(wrong)) {
      assert.throws(() => snappyDecompress(Buffer.from(hex, "hex"), limit), /this is not snappy/, what);
    }
  });

  test("a length beyond the limit, or that the bytes can't reach, is refused before it is allocated", () => {
    assert.throws(() => snappyDecompress(Buffer.from("ffffffff0f0061", "hex"), limit), /are the limit/);
    assert.throws(() => snappyDecompress(Buffer.from("ffffffff0f0061", "hex"), 2 ** 32), /too short/);
  });
});
