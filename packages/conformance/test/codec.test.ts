import {
  bytesCodec,
  defaultCodecs,
  jsonCodec,
  jsonRpcCodec,
  protoCodec,
  protoRpcCodec,
} from "ts-micro/codec";
import { codecConformance } from "../src/index.ts";

const values = [{ name: "John", tags: ["a", "<b>"], n: 1.5 }, [1, null, "\u2028"], "text", 0, false, {}];
const circular: Record<string, unknown> = {};
circular.self = circular;
const unencodable = [circular, 1n, () => 0, Symbol("s")];
const text = (body: string) => Buffer.from(body);
const notJson = ["{", '{"a":}', "nope", '"open', "[1,]", "\u{feff}{}", "]"].map(text);
const bytes = [Uint8Array.of(0, 1, 2, 255), text("text"), new Uint8Array(0)];

/** Stands for generated code: a text with a length before it, which refuses what isn't one. */
const textType = {
  encode(value: unknown): Uint8Array {
    if (typeof value !== "string") throw new TypeError("not a text");
    return Buffer.concat([Uint8Array.of(value.length), Buffer.from(value)]);
  },
  decode(body: Uint8Array): unknown {
    if (body.length > 0 && body[0] !== body.length - 1) throw new RangeError("index out of range");
    return Buffer.from(body.subarray(1)).toString();
  },
};
const typed = { values: ["John", "Jane"], type: textType, unencodable: [7], undecodable: [Uint8Array.of(9)] };

codecConformance("json", { create: () => jsonCodec, values, unencodable, undecodable: notJson });
codecConformance("json-rpc", {
  create: () => jsonRpcCodec,
  values,
  unencodable,
  undecodable: notJson,
  envelope: ["id", "endpoint", "error"],
});
codecConformance("bytes", { create: () => bytesCodec, values: bytes, unencodable: ["text", 7, {}] });
codecConformance("proto carrying bytes", {
  create: () => protoCodec,
  values: bytes,
  unencodable: ["text", {}],
});
codecConformance("proto with a message type", { create: () => protoCodec, ...typed });
codecConformance("proto-rpc carrying bytes", {
  create: () => protoRpcCodec,
  values: bytes,
  unencodable: ["text", {}],
  envelope: ["id", "endpoint", "error"],
});
codecConformance("proto-rpc with a message type", {
  create: () => protoRpcCodec,
  ...typed,
  envelope: ["id", "endpoint", "error"],
});

for (const [contentType, codec] of Object.entries(defaultCodecs)) {
  if (!contentType.startsWith("application/grpc")) continue;
  if (contentType.endsWith("+json")) codecConformance(contentType, { create: () => codec, values });
  else codecConformance(contentType, { create: () => codec, values: bytes });
}
