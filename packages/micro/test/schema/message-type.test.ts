import assert from "node:assert/strict";
import { before, test } from "node:test";
import { create, equals, toBinary, toJson } from "@bufbuild/protobuf";
import { StringValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { loadProtobuf, messageType } from "../../src/schema/message-type.ts";
import { everything, full } from "./everything.ts";
import { type Everything, EverythingSchema, NumberSchema } from "./gen/testing/v1/lab_pb.ts";

before(() => loadProtobuf());

const type = messageType(EverythingSchema);

test("every kind of field survives both forms", () => {
  const message = everything();
  const bytes = type.decode(type.encode(message)) as Everything;
  assert.ok(equals(EverythingSchema, bytes, message));
  const text = JSON.stringify(type.toJson?.(message));
  const json = type.fromJson?.(JSON.parse(text)) as Everything;
  assert.ok(equals(EverythingSchema, json, message), text);
  assert.equal(json.choice.value, 9_007_199_254_740_993n);
});

test("the forms are protobuf's own: bytes, and lowerCamelCase JSON with 64-bit numbers as texts", () => {
  const number = messageType(NumberSchema);
  const message = create(NumberSchema, { value: 300n });
  assert.deepEqual(number.encode(message), toBinary(NumberSchema, message));
  assert.deepEqual(number.toJson?.(message), { value: "300" });
  assert.deepEqual(type.toJson?.({ smallNumber: 1, largeNumber: 2n }), { smallNumber: 1, largeNumber: "2" });
  const named = JSON.stringify(
    toJson(EverythingSchema, create(EverythingSchema, { names: ["a"], color: 1 })),
  );
  assert.equal(JSON.stringify(type.toJson?.({ names: ["a"], color: 1 })), named);
});

test("for Go's encoding/json: fields as the schema names them, enums as numbers, 64 bits as bigints", () => {
  assert.deepEqual(type.toJson?.({ smallNumber: 1, color: 2 }, true), { small_number: 1, color: 2 });
  const forGo = type.toJson?.(everything(), true) as Record<string, unknown>;
  assert.equal(forGo.large_number, everything().largeNumber);
  assert.deepEqual(forGo.counts, { ...everything().counts });
});

test("a plain object in which fields are left out will do", () => {
  assert.deepEqual(type.encode(full), type.encode(everything()));
  assert.deepEqual(type.encode({}), new Uint8Array(0));
  assert.deepEqual(type.toJson?.({}), {});
});

test("JSON of others is read: proto names, numbers for enums and 64-bit integers, unknown fields, null", () => {
  const read = type.fromJson?.({
    small_number: 3,
    large_number: 4,
    color: 2,
    counts: { a: 1 },
    addedLater: { x: 1 },
    colors: ["COLOR_RED", "COLOR_ADDED_LATER"],
  }) as Everything;
  assert.equal(read.smallNumber, 3);
  assert.equal(read.largeNumber, 4n);
  assert.equal(read.color, 2);
  assert.deepEqual({ ...read.counts }, { a: 1n });
  assert.deepEqual(read.colors, [1]);
  assert.ok(equals(EverythingSchema, type.fromJson?.(null) as Everything, create(EverythingSchema)));
});

test("bytes with unknown fields are read, and the fields are kept", () => {
  const known = messageType(NumberSchema);
  const bytes = Uint8Array.of(0x08, 0x05, 0x50, 0x01);
  assert.deepEqual(known.encode(known.decode(bytes)), bytes);
});

test("types of protobuf's own have their own JSON", () => {
  const text = messageType(StringValueSchema);
  assert.equal(text.toJson?.({ value: "x" }), "x");
  const value = messageType(ValueSchema);
  assert.deepEqual(value.toJson?.(value.fromJson?.(null)), null);
  assert.deepEqual(value.toJson?.(value.fromJson?.([1, { a: null }])), [1, { a: null }]);
});

test("what is no such message is refused", () => {
  for (const [value, message] of [
    ["x", /a testing\.v1\.Everything is made of an object/],
    [[1], /a testing\.v1\.Everything is made of an object/],
    [create(NumberSchema), /it is a testing\.v1\.Number, and a testing\.v1\.Everything is wanted/],
    [{ smallNumber: "three" }, /small_number/],
    [{ inner: 5 }, /Inner/],
  ] as const) {
    assert.throws(() => type.encode(value), { message });
    assert.throws(() => type.toJson?.(value), { message });
  }
  for (const json of [[], "x", 7, { smallNumber: "x" }, { smallNumber: 2 ** 31 }, { at: "yesterday" }]) {
    assert.throws(() => type.fromJson?.(json), JSON.stringify(json));
  }
  assert.throws(() => type.decode(Uint8Array.of(0x0a, 0x05, 0x41)));
});
