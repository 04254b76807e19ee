import { type CodecSubject, codecConformance } from "../src/index.ts";

const values = [{ name: "John", tags: ["a", "<b>"], n: 1.5 }, [1, null, "\u2028"], "text", 0, false, {}];
const circular: Record<string, unknown> = {};
circular.self = circular;
const unencodable = [circular, 1n, () => 0, Symbol("s")];
const text = (body: string) => Buffer.from(body);
const notJson = ["{", '{"a":}', "nope", '"open', "[1,]", "\u{feff}{}", "]"].map(text);
/** The last one begins as gRPC's prefix does, with another length. */
const bytes = [Uint8Array.of(0, 1, 2, 255), text("text"), new Uint8Array(0), Uint8Array.of(0, 0, 0, 0, 9, 1)];

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

/** The same, with a JSON form. */
const jsonType = {
  ...textType,
  toJson(value: unknown): unknown {
    if (typeof value !== "string") throw new TypeError("not a text");
    return { text: value };
  },
  fromJson(json: unknown): unknown {
    const { text } = json as { text?: unknown };
    if (typeof text !== "string") throw new TypeError("no text in it");
    return text;
  },
};
const withJson = { ...typed, type: jsonType, undecodable: [...notJson, text('{"txt":"John"}'), text("7")] };

type Codecs = typeof import("ts-micro/codec");

/** The suite over every built-in codec. */
export function codecSuites(codecs: Codecs, fuzzRuns = 3_000): void {
  const { bytesCodec, defaultCodecs, jsonCodec, jsonRpcCodec, protoCodec, protoRpcCodec } = codecs;
  const run = (name: string, subject: CodecSubject): void => codecConformance(name, { fuzzRuns, ...subject });
  const carrying = { values: bytes, unencodable: ["text", 7, {}] };
  const envelope = ["id", "endpoint", "error"] as const;

  run("json", { create: () => jsonCodec, values, unencodable, undecodable: notJson });
  run("json-rpc", { create: () => jsonRpcCodec, values, unencodable, undecodable: notJson, envelope });
  run("json with a message type", { create: () => jsonCodec, ...withJson });
  run("json-rpc with a message type", {
    create: () => jsonRpcCodec,
    ...withJson,
    undecodable: notJson,
    envelope,
  });
  run("bytes", { create: () => bytesCodec, ...carrying });
  run("proto carrying bytes", { create: () => protoCodec, ...carrying });
  run("proto with a message type", { create: () => protoCodec, ...typed });
  run("proto-rpc carrying bytes", { create: () => protoRpcCodec, ...carrying, envelope });
  run("proto-rpc with a message type", { create: () => protoRpcCodec, ...typed, envelope });
  for (const [contentType, codec] of Object.entries(defaultCodecs)) {
    if (!contentType.startsWith("application/grpc")) continue;
    const subject = contentType.endsWith("+json") ? { values } : carrying;
    run(contentType, { create: () => codec, ...subject });
  }
}
