import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, MessageType } from "../../src/codec/codec.ts";
import { readableContentType } from "../../src/codec/codecs.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { packedCodec } from "../../src/codec/packed.ts";

const contentType = "application/vnd.ts-micro.packed";
const frame: Frame = { kind: "response", id: "", endpoint: "A.B", error: "" };

const hex = (digits: string): Buffer => Buffer.from(digits.replace(/[ |]/g, ""), "hex");
const written = (value: unknown): string => Buffer.from(packedCodec.encode(value, frame)).toString("hex");
const read = (digits: string): unknown => packedCodec.decode(hex(digits), "request").value;
const ascii = (text: string): string => Buffer.from(text, "latin1").toString("hex");

test("packed: the bytes of docs/packed-json.md", () => {
  const orders = [
    { id: 7, open: true, note: "é" },
    { id: 300, open: false, note: "" },
  ];
  const bytes = `01 0000000c | 62 | 80 4c 07 e1 41 | 80 1d012c e0 40 | ${ascii("id\nopen\nnoteé")}`;
  assert.equal(written(orders), bytes.replace(/[ |]/g, ""));
});

test("packed: every kind of value has one form", () => {
  for (const [value, digits] of [
    [0, "01 00000001 00"],
    [27, "01 00000001 1b"],
    [28, "01 00000002 1c1c"],
    [256, "01 00000003 1d0100"],
    [65_536, "01 00000005 1e00010000"],
    [2 ** 32, "01 00000009 1f0000000100000000"],
    [-1, "01 00000001 20"],
    [-29, "01 00000002 3c1c"],
    [0.5, "01 00000009 e43fe0000000000000"],
    ["", "01 00000001 40"],
    ["é", "01 00000001 41 e9"],
    ["€", "02 00000001 41 ac20"],
    ["\ud800", "02 00000001 41 00d8"],
    [[], "01 00000001 60"],
    [{}, "01 00000001 a0"],
    [false, "01 00000001 e0"],
    [true, "01 00000001 e1"],
    [null, "01 00000001 e2"],
    [{ a: undefined }, `01 00000003 80 41 e3 ${ascii("a")}`],
    [{ "a\nb": 1 }, `01 00000003 a1 43 01 ${ascii("a\nb")}`],
  ] as const) {
    assert.equal(written(value), digits.replace(/ /g, ""));
    assert.deepEqual(read(digits), JSON.parse(JSON.stringify(value)));
  }
});

test("packed: absent bodies are as JSON's, and bytes are taken as written already", () => {
  for (const kind of ["request", "error", "event"] as const) {
    assert.equal(packedCodec.encode(undefined, { ...frame, kind }).length, 0);
  }
  assert.deepEqual(read(written(undefined)), {});
  assert.equal(packedCodec.decode(Buffer.alloc(0), "request").value, undefined);
  const bytes = Buffer.from("anything");
  assert.equal(packedCodec.encode(bytes, frame), bytes);
});

test("packed: names that mean something to JavaScript are names", () => {
  const json = '{"__proto__":{"isAdmin":true},"constructor":1,"a":{"__proto__":null}}';
  const value = read(written(JSON.parse(json))) as { isAdmin?: unknown };
  assert.equal(JSON.stringify(value), json);
  assert.equal(value.isAdmin, undefined);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test("packed: what JSON can't write is an error that says why", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const [value, reason] of [
    [1n, /BigInt has no JSON form/],
    [{ a: [1n] }, /BigInt/],
    [() => 1, /a function has no JSON form/],
    [Symbol("x"), /a symbol has no JSON form/],
    [circle, /nested in more than 512 levels, or in itself/],
  ] as const) {
    assert.throws(() => packedCodec.encode(value, frame), reason);
    assert.throws(() => packedCodec.encode(value, frame), { code: 500, reason: "encode-failed" });
    assert.throws(() => jsonCodec.encode(value, frame), { code: 500, reason: "encode-failed" });
  }
});

test("packed: an object that writes another one while it is written", () => {
  const inner = { b: "text of the inner one", c: [1, 2] };
  const outer = {
    a: "before",
    inner: { toJSON: () => read(written(inner)) },
    get z() {
      return read(written([inner, inner]));
    },
  };
  assert.deepEqual(read(written(outer)), { a: "before", inner, z: [inner, inner] });
});

test("packed: the same place may hold objects of every kind, one after the other", () => {
  class Point {
    x = 1;
    y = 2;
    get sum(): number {
      return this.x + this.y;
    }
  }
  const inherits = Object.assign(Object.create({ inherited: true }), { x: 1, y: 2 });
  const items = [
    { x: 1, y: 2 },
    new Point(),
    inherits,
    { y: 2, x: 1 },
    { x: 1, y: 2, z: 3 },
    { x: 1 },
    [1],
    "x",
    {},
  ];
  for (let time = 0; time < 3; time++) {
    assert.equal(JSON.stringify(read(written(items))), JSON.stringify(items));
  }
});

test("packed: tables of many names and more shapes than are remembered", () => {
  const table = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`key ${n}`, n]));
  assert.deepEqual(read(written(table)), table);
  for (let round = 0; round < 3; round++) {
    const many = Array.from({ length: 1_500 }, (_, n) => ({ [`a${n}`]: n, b: { [`c${n}`]: "x" } }));
    assert.deepEqual(read(written(many)), many);
  }
});

test("packed: texts of all lengths, in bodies of both widths", () => {
  for (const end of ["", "\u20ac"]) {
    const texts = Array.from({ length: 70 }, (_, length) => "0123456789é".repeat(7).slice(0, length) + end);
    assert.deepEqual(read(written(texts)), texts);
  }
});

test("packed: bytes that can't be are refused by what they say, before anything is allocated for it", () => {
  for (const [digits, reason] of [
    ["01", /an end within the values/],
    ["01 00000005 00", /an end within the values/],
    ["03 00000001 00", /texts of the kind 3/],
    ["02 00000001 41 ac", /texts of the kind 2 in 1 bytes/],
    ["01 00000000", /an end within a value/],
    ["01 00000002 00 00", /more behind the value/],
    ["01 00000001 00 61", /more behind the value/],
    ["01 00000001 41", /an end within a text/],
    ["01 00000009 5f 7fffffffffffffff", /an end within a text/],
    ["01 00000005 7e ffffffff", /an end within a value/],
    ["01 00000005 be ffffffff", /an end within a value/],
    ["01 00000001 81", /the record 1, which is not defined/],
    [`01 00000004 80 1e 00 00`, /a name that is no text/],
    [`01 00000003 80 5d 0042 ${ascii("\n".repeat(66))}`.replace("00000003", "00000004"), /too many names/],
    ["01 00000002 a1 00", /an end within a value|no text/],
    ["01 00000003 a1 00 00", /a name that is no text/],
    ["01 00000001 e4", /an end within a value/],
    ["01 00000001 ff", /a value that begins with 255/],
    [`01 00000201 ${"61".repeat(513)}`, /more than 512 levels/],
  ] as const) {
    assert.throws(() => read(digits), reason, digits);
    assert.throws(() => read(digits), { code: 400, reason: "decode-failed" }, digits);
  }
});

test("packed: the JSON form of a message type is what is written", () => {
  const type: MessageType<{ at: bigint }> = {
    encode: () => new Uint8Array(0),
    decode: () => ({ at: 0n }),
    toJson: ({ at }) => ({ at: String(at) }),
    fromJson: (json) => ({ at: BigInt((json as { at: string }).at) }),
  };
  const body = packedCodec.encode({ at: 2n ** 60n }, frame, type as MessageType);
  assert.deepEqual(packedCodec.decode(body, "response").value, { at: String(2n ** 60n) });
  assert.deepEqual(packedCodec.decode(body, "response", type as MessageType).value, { at: 2n ** 60n });
});

test("a content type with a fallback is for those who announce it", () => {
  const codecs = { [contentType]: packedCodec, "application/json": jsonCodec };
  assert.equal(readableContentType(contentType, codecs), "application/json");
  assert.equal(readableContentType(contentType, codecs, "application/x"), "application/json");
  assert.equal(readableContentType(contentType, codecs, `application/x,${contentType}`), contentType);
  assert.equal(readableContentType("application/json", codecs), "application/json");
  assert.equal(readableContentType("application/unknown", codecs), "application/unknown");
});

test("packed: a name like an array's index takes no room for the members before it", () => {
  const count = 4_000;
  const records = `${"80 44 e1"}${"80 e1".repeat(count - 1)}`;
  const tables = "a1 44 e1".repeat(count);
  for (const [items, texts] of [
    [records, ascii("1023")],
    [tables, ascii("1023".repeat(count))],
  ] as const) {
    const values = `7d ${count.toString(16).padStart(4, "0")} ${items}`.replace(/ /g, "");
    const body = hex(`01 ${(values.length / 2).toString(16).padStart(8, "0")} ${values} ${texts}`);
    const before = process.memoryUsage().heapUsed;
    const { value } = packedCodec.decode(body, "request");
    const bytesPerItem = (process.memoryUsage().heapUsed - before) / count;
    assert.deepEqual((value as unknown[]).at(-1), { 1023: true });
    assert.ok(bytesPerItem < 2_000, `${bytesPerItem} bytes for each object`);
  }
  assert.deepEqual(read(written([{ b: 1, 7: 2, a: 3 }])), [{ 7: 2, b: 1, a: 3 }]);
});
