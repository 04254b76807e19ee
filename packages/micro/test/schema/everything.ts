import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Color, type Everything, EverythingSchema, NumberSchema } from "./gen/testing/v1/lab_pb.ts";

/** A value in every field, with those that JSON can't write as they are. */
export const full: MessageInitShape<typeof EverythingSchema> = {
  text: "Jörg <&> \u2028",
  flag: true,
  smallNumber: -2_147_483_648,
  largeNumber: 18_446_744_073_709_551_615n,
  signedNumber: -9_223_372_036_854_775_808n,
  fraction: Number.POSITIVE_INFINITY,
  data: Uint8Array.of(0, 255, 128),
  color: Color.GREEN,
  names: ["a", ""],
  inners: [{ name: "x", leaf: { note: "deep", weights: [1n, 9_007_199_254_740_993n] } }, {}],
  counts: { one: 1n, __proto__key: -1n },
  innerByNumber: { 7: { name: "seven" } },
  inner: { name: "inner" },
  choice: { case: "number", value: 9_007_199_254_740_993n },
  nickname: "",
  child: { text: "child", child: { choice: { case: "detail", value: { name: "chosen" } } } },
  at: timestampFromMs(1_700_000_000_123),
  took: { seconds: 3n, nanos: 500_000_000 },
  labels: { a: [1, "two", null, { b: false }] },
  anything: anyPack(NumberSchema, create(NumberSchema, { value: 5n })),
  mask: { paths: ["small_number"] },
  maybeNumber: 9_007_199_254_740_993n,
  colors: [Color.RED, Color.UNSPECIFIED],
};

export function everything(): Everything {
  return create(EverythingSchema, full);
}
