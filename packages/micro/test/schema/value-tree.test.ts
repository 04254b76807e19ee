import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value } from "../../src/registry/registry.ts";
import { valueTree } from "../../src/schema/value-tree.ts";
import { EverythingSchema, NumberSchema } from "./gen/testing/v1/lab_pb.ts";
import { allWays, labServices } from "./lab.ts";

const leaf = (name: string, type: string): Value => ({ name, type, values: [] });
const innerFields = [leaf("name", "string"), leaf("leaf", "Everything_Inner_Leaf")];

test("fields have their names of the .proto file and Go's types, two levels deep", () => {
  const { name, type, values } = valueTree(EverythingSchema);
  assert.deepEqual([name, type], ["Everything", "Everything"]);
  assert.deepEqual(
    values.map(({ name, type }) => `${name} ${type}`),
    [
      "text string",
      "flag bool",
      "small_number int32",
      "large_number uint64",
      "signed_number int64",
      "fraction float64",
      "data []uint8",
      "color Color",
      "names []string",
      "inners []Everything_Inner",
      "counts ",
      "inner_by_number ",
      "inner Everything_Inner",
      "word string",
      "detail Everything_Inner",
      "number int64",
      "nickname string",
      "child Everything",
      "at Timestamp",
      "took Duration",
      "labels Struct",
      "anything Any",
      "mask FieldMask",
      "maybe_number Int64Value",
      "colors []Color",
    ],
  );
  const below = (field: string) => values.find(({ name }) => name === field)?.values;
  assert.deepEqual(below("inner"), innerFields);
  assert.deepEqual(below("detail"), innerFields);
  assert.deepEqual(below("inners"), []);
  assert.deepEqual(below("at"), [leaf("seconds", "int64"), leaf("nanos", "int32")]);
  assert.deepEqual(below("labels"), [leaf("fields", "")]);
});

test("a message that contains itself ends", () => {
  const child = valueTree(EverythingSchema).values.find(({ name }) => name === "child");
  const grandchild = child?.values.find(({ name }) => name === "child");
  assert.deepEqual(grandchild, leaf("child", "Everything"));
});

test("the endpoints of a running service are registered with both trees", async (t) => {
  const { caller } = await labServices(t, allWays[0]!);
  const [record] = await caller.registry.getService("lab");
  const number = valueTree(NumberSchema);
  assert.deepEqual(number, { name: "Number", type: "Number", values: [leaf("value", "int64")] });
  const everything = valueTree(EverythingSchema);
  const empty = { name: "Empty", type: "Empty", values: [] };
  const stream = { stream: "true" };
  assert.deepEqual(record?.endpoints, [
    { name: "Lab.CountTo", request: number, response: number, metadata: stream },
    { name: "Lab.Double", request: number, response: number, metadata: stream },
    { name: "Lab.Echo", request: everything, response: everything, metadata: {} },
    { name: "Lab.LookUp", request: number, response: number, metadata: {} },
    { name: "Lab.Reset", request: empty, response: empty, metadata: {} },
    { name: "Lab.SumUp", request: number, response: number, metadata: stream },
  ]);
});
