import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBody, encodeBody } from "../../src/codec/body.ts";
import { bytesCodec } from "../../src/codec/bytes.ts";
import type { Codec, Frame, FrameKind, MessageType } from "../../src/codec/codec.ts";
import { codecFor, defaultCodecs } from "../../src/codec/codecs.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { jsonRpcCodec } from "../../src/codec/json-rpc.ts";
import { packedCodec } from "../../src/codec/packed.ts";
import { protoCodec } from "../../src/codec/proto.ts";
import { protoRpcCodec } from "../../src/codec/proto-rpc.ts";

const frame = (kind: FrameKind, id = "", error = ""): Frame => ({ kind, id, endpoint: "Say.Hello", error });
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const hex = (digits: string): Buffer => Buffer.from(digits.replace(/[ |]/g, ""), "hex");

test("json: one value and a line feed, with Go's escapes", () => {
  const value = { html: "<a href='?a&b'>", separators: "\u2028\u2029", name: "Jörg" };
  assert.equal(
    text(jsonCodec.encode(value, frame("request"))),
    `{"html":"\\u003ca href='?a\\u0026b'\\u003e","separators":"\\u2028\\u2029","name":"Jörg"}\n`,
  );
});

test("json, packed: a codec made of them has no text beside the bytes of its own", () => {
  const reversed = (body: Uint8Array): Uint8Array => Uint8Array.from(body).reverse();
  const mine: Codec = {
    ...jsonCodec,
    name: "mine",
    encode: (value, ...more) => reversed(jsonCodec.encode(value, ...more)),
    decode: (body, ...more) => jsonCodec.decode(reversed(body), ...more),
  };
  const body = encodeBody(mine, { a: 1 }, frame("request"));
  assert.equal(Buffer.from(body).toString(), '\n}1:"a"{');
  assert.deepEqual(decodeBody(mine, { body: reversed(Buffer.from("[1]")), text: "]1[" }, "request"), {
    value: [1],
  });
  assert.deepEqual([mine.encodeText, mine.bodyText, mine.decodeText], [undefined, undefined, undefined]);
  assert.equal(encodeBody(jsonCodec, { a: 1 }, frame("request")), '{"a":1}\n');
  assert.equal({ ...packedCodec }.encodeLatin1, undefined);
});

test("json: an absent response is {}, since go-micro's client fails on an empty body; other absent bodies are empty", () => {
  assert.equal(text(jsonCodec.encode(undefined, frame("response"))), "{}\n");
  for (const kind of ["request", "error", "event"] as const) {
    assert.equal(jsonCodec.encode(undefined, frame(kind)).length, 0, kind);
  }
});

test("json: the first value is read, what follows is not", () => {
  for (const [body, value] of [
    ['{"a":1}\n', { a: 1 }],
    [' \n{"a":"}\\""} {"b":2}', { a: '}"' }],
    ["[[1],[2]]]", [[1], [2]]],
    ["12 34", 12],
    ['"x" y', "x"],
    ["true\t", true],
  ] as const) {
    assert.deepEqual(jsonCodec.decode(Buffer.from(body), "request").value, value, body);
  }
  for (const empty of ["", " ", "\n\n"]) {
    assert.equal(jsonCodec.decode(Buffer.from(empty), "request").value, undefined);
  }
});

test("json: bodies that are nested deeply are values or errors, never a crash", () => {
  for (const deep of ["[".repeat(500_000), `${"[".repeat(500_000)}${"]".repeat(500_000)}`]) {
    try {
      jsonCodec.decode(Buffer.from(deep), "request");
    } catch (thrown) {
      assert.equal((thrown as { reason?: string }).reason, "decode-failed");
    }
  }
});

test("json-rpc: the bytes of go-micro", () => {
  const request = '{"method":"Say.Hello","params":[{"name":"John"}],"id":"4"}\n';
  assert.equal(text(jsonRpcCodec.encode({ name: "John" }, frame("request", "4"))), request);
  assert.equal(request.length, 59);
  assert.equal(
    text(jsonRpcCodec.encode({ msg: "Hello John" }, frame("response", "4"))),
    '{"id":"4","result":{"msg":"Hello John"},"error":null}\n',
  );
  assert.equal(
    text(jsonRpcCodec.encode(undefined, frame("error", "4", "a < b"))),
    '{"id":"","result":null,"error":"a \\u003c b"}\n',
  );
  assert.equal(text(jsonRpcCodec.encode({ id: "42" }, frame("event"))), '{"id":"42"}');
});

test("json-rpc: a message is written in the form that Go's encoding/json reads", () => {
  const type: MessageType = {
    encode: () => new Uint8Array(0),
    decode: () => ({}),
    toJson: (_, forGo) => (forGo ? { full_name: "John" } : { fullName: "John" }),
  };
  assert.match(
    text(jsonRpcCodec.encode({}, frame("request", "4"), type)),
    /"params":\[\{"full_name":"John"\}\]/,
  );
  assert.match(
    text(jsonRpcCodec.encode({}, frame("response", "4"), type)),
    /"result":\{"full_name":"John"\}/,
  );
  assert.equal(text(jsonCodec.encode({}, frame("request", "4"), type)), '{"fullName":"John"}\n');
});

test("json-rpc: a bigint of a message type is a number, of all its digits", () => {
  const type: MessageType = {
    encode: () => new Uint8Array(0),
    decode: () => ({}),
    toJson: () => ({
      id: 2n ** 63n,
      ids: [1n, undefined],
      map: { a: -5n },
      none: undefined,
      text: "1<2",
      at: new Date(0),
    }),
  };
  const params =
    '{"id":9223372036854775808,"ids":[1,null],"map":{"a":-5},"text":"1\\u003c2","at":"1970-01-01T00:00:00.000Z"}';
  assert.equal(
    text(jsonRpcCodec.encode({}, frame("request", "4"), type)),
    `{"method":"Say.Hello","params":[${params}],"id":"4"}\n`,
  );
  assert.throws(() => jsonRpcCodec.encode({ id: 1n }, frame("request")), /json-rpc can't encode/);
});

test("json, json-rpc: for a message type integers that a number would change are texts, and nothing else is", () => {
  const type: MessageType = {
    encode: () => new Uint8Array(0),
    decode: () => ({}),
    fromJson: (json) => json,
  };
  const long =
    '{"a":9007199254740993,"b":[-9223372036854775807,1.5e300,0.1234567890123456,7],"c":"\\"1234567890123456789"}';
  const read = {
    a: "9007199254740993",
    b: ["-9223372036854775807", 1.5e300, 0.1234567890123456, 7],
    c: '"1234567890123456789',
  };
  const decode = (body: string, codec: Codec) => codec.decode(Buffer.from(body), "response", type).value;
  assert.deepEqual(decode(long, jsonCodec), read);
  assert.deepEqual(jsonCodec.decodeText?.(long, "response", type), read);
  assert.deepEqual(decode(`{"id":"1","result":${long},"error":null}`, jsonRpcCodec), read);
  // These a number holds exactly, or are no integers of 64 bits.
  assert.equal(decode("10000000000000000", jsonCodec), 1e16);
  assert.equal(decode("9".repeat(400), jsonCodec), Number.POSITIVE_INFINITY);
  assert.deepEqual(
    jsonCodec.decode(Buffer.from("9007199254740993"), "response").value,
    9_007_199_254_740_992,
  );
  const large = `"${"1".repeat(5_000_000)}"`;
  assert.equal(decode(large, jsonCodec), large.slice(1, -1));
});

test("json-rpc: v6's order of members, numeric ids and errors are read", () => {
  const v6 = Buffer.from('{"params":[{"name":"John"}],"id":"4","method":"Say.Hello"}\n');
  assert.deepEqual(jsonRpcCodec.decode(v6, "request"), {
    value: { name: "John" },
    endpoint: "Say.Hello",
    id: "4",
  });
  assert.equal(jsonRpcCodec.decode(Buffer.from('{"id":4,"result":1,"error":null}'), "response").id, "4");
  const failed = (error: string) =>
    jsonRpcCodec.decode(Buffer.from(`{"id":"","result":null,"error":${error}}`), "response").error;
  assert.equal(failed('"boom"'), "boom");
  assert.equal(failed('""'), "unspecified error");
  for (const error of ["{}", "7", "false"]) assert.throws(() => failed(error), /can't decode: error is/);
  for (const body of ["[]", "null", "7"]) {
    assert.throws(() => jsonRpcCodec.decode(Buffer.from(body), "request"), /expected an object/);
  }
});

const hello = hex("0a 04 4a 6f 68 6e");

test("proto-rpc: the bytes of go-micro", () => {
  for (const [given, payload, bytes] of [
    [
      frame("request", "5"),
      hello,
      "00000014 | 0a 09 53 61 79 2e 48 65 6c 6c 6f 11 05 00 00 00 00 00 00 00 | 00000006 | 0a 04 4a 6f 68 6e",
    ],
    [
      frame("request", "0"),
      hello,
      "0000000b | 0a 09 53 61 79 2e 48 65 6c 6c 6f | 00000006 | 0a 04 4a 6f 68 6e",
    ],
    [
      frame("response", "5"),
      hex("0a 0a 48 65 6c 6c 6f 20 4a 6f 68 6e"),
      "00000009 | 11 05 00 00 00 00 00 00 00 | 0000000c | 0a 0a 48 65 6c 6c 6f 20 4a 6f 68 6e",
    ],
    [
      frame("error", "5", "rpc: can't find method Nope"),
      undefined,
      "0000001d | 1a 1b 72 70 63 3a 20 63 61 6e 27 74 20 66 69 6e 64 20 6d 65 74 68 6f 64 20 4e 6f 70 65 | 00000000",
    ],
    [frame("event"), hello, "0a 04 4a 6f 68 6e"],
  ] as const) {
    assert.equal(
      Buffer.from(protoRpcCodec.encode(payload, given)).toString("hex"),
      hex(bytes).toString("hex"),
    );
  }
});

test("proto-rpc: ids are signed 64-bit numbers, anything else is 0", () => {
  const idOf = (id: string) =>
    protoRpcCodec.decode(protoRpcCodec.encode(hello, frame("request", id)), "request").id;
  assert.equal(idOf("9223372036854775807"), "9223372036854775807");
  assert.equal(idOf("-1"), "18446744073709551615");
  for (const id of ["", "x", "1.5", "9223372036854775808", "99999999999999999999"])
    assert.equal(idOf(id), "0", id);
});

test("proto-rpc: unknown fields are skipped, texts beyond 127 bytes have longer lengths", () => {
  const envelope = hex("20 05 | 2d 01 02 03 04 | 31 01 02 03 04 05 06 07 08 | 3a 01 ff | 0a 01 41");
  const body = Buffer.concat([Buffer.from([0, 0, 0, envelope.length]), envelope, hex("00000000")]);
  assert.equal(protoRpcCodec.decode(body, "request").endpoint, "A");
  const long = { ...frame("request"), endpoint: `Say.${"é".repeat(20_000)}` };
  assert.equal(protoRpcCodec.decode(protoRpcCodec.encode(hello, long), "request").endpoint, long.endpoint);
});

test("proto-rpc: lengths that lie are refused without reserving memory for them", () => {
  for (const bytes of [
    "ff ff ff ff",
    "00 00",
    "7f ff ff ff 0a",
    "00 00 00 00 ff ff ff ff",
    "00 00 00 00",
    "00 00 00 02 0a ff | 00 00 00 00",
    "00 00 00 06 0a ff ff ff ff 0f | 00 00 00 00",
    "00 00 00 0b ff ff ff ff ff ff ff ff ff ff ff | 00 00 00 00",
    "00 00 00 01 0b | 00 00 00 00",
    "00 00 00 04 11 01 02 03 | 00 00 00 00",
  ]) {
    assert.throws(() => protoRpcCodec.decode(hex(bytes), "request"), { reason: "decode-failed" }, bytes);
  }
});

test("protobuf: an empty body is a message of defaults, and an absent one is written as none", () => {
  const type = { encode: () => Uint8Array.of(1), decode: (bytes: Uint8Array) => ({ count: bytes.length }) };
  assert.deepEqual(protoCodec.decode(new Uint8Array(0), "response", type).value, { count: 0 });
  assert.equal(protoCodec.encode(undefined, frame("response"), type).length, 0);
  assert.equal(protoCodec.encode(null, frame("error"), type).length, 0);
  assert.equal(protoCodec.decode(new Uint8Array(0), "error", type).value, undefined);
});

test("grpc events are written bare and read bare or framed; only a prefix that fits is taken off", () => {
  const codec = codecFor("application/grpc+proto");
  const framed = hex("00 00000006 0a 04 4a 6f 68 6e");
  assert.deepEqual(Buffer.from(codec.encode(hello, frame("event"))), hello);
  assert.deepEqual(Buffer.from(codec.encode(hello, frame("request"))), framed);
  const read = (body: Uint8Array) =>
    Buffer.from(codec.decode(body, "event").value as Uint8Array).toString("hex");
  assert.equal(read(hello), hello.toString("hex"));
  assert.equal(read(framed), hello.toString("hex"));
  assert.equal(read(hex("00 00000007 0a 04 4a 6f 68 6e")), "00000000070a044a6f686e");
  assert.equal(codec.encode(undefined, frame("response")).length, 0);
  assert.deepEqual(codecFor("application/grpc+json").decode(Buffer.from('{"a":1}'), "event").value, { a: 1 });
});

test("a codec is found whatever the case and the parameters of the content type", () => {
  for (const type of [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    " application/json ;",
  ]) {
    assert.equal(codecFor(type), jsonCodec, type);
  }
  assert.equal(codecFor("application/octet-stream"), bytesCodec);
  const own = { ...defaultCodecs, "text/plain": { ...bytesCodec, name: "text" } };
  assert.equal(codecFor("text/plain; charset=utf-8", own).name, "text");
});

test("an unknown content type is a 415 that lists the known ones", () => {
  for (const type of ["text/html", "", "constructor", "__proto__"]) {
    assert.throws(
      () => codecFor(type),
      (error: { code?: number; reason?: string; detail?: string }) =>
        error.code === 415 &&
        error.reason === "unsupported-content-type" &&
        (error.detail ?? "").includes(`${JSON.stringify(type)}; known are application/grpc, `),
    );
  }
});

/** A point whose JSON form is a text. */
const point = {
  encode: ({ x, y }: { x: number; y: number }) => Uint8Array.of(x, y),
  decode: ([x = 0, y = 0]: Uint8Array) => ({ x, y }),
  toJson({ x, y }: { x: number; y: number }): string {
    if (x < 0) throw new Error("x is below 0");
    return `${x},${y}`;
  },
  fromJson(json: unknown) {
    if (typeof json !== "string") throw new Error("a point is a text");
    const [x = 0, y = 0] = json.split(",").map(Number);
    return { x, y };
  },
} as MessageType;

test("json and json-rpc: a type says how its values look in JSON", () => {
  const value = { x: 3, y: 4 };
  assert.equal(text(jsonCodec.encode(value, frame("request"), point)), '"3,4"\n');
  assert.equal(
    text(jsonRpcCodec.encode(value, frame("request", "7"), point)),
    '{"method":"Say.Hello","params":["3,4"],"id":"7"}\n',
  );
  for (const codec of [jsonCodec, jsonRpcCodec, defaultCodecs["application/grpc+json"] as Codec]) {
    for (const kind of ["request", "response", "event"] as const) {
      assert.deepEqual(codec.decode(codec.encode(value, frame(kind, "7"), point), kind, point).value, value);
      const absent = codec.encode(undefined, frame(kind), point);
      if (absent.length === 0) assert.deepEqual(codec.decode(absent, kind, point).value, { x: 0, y: 0 });
    }
  }
  assert.equal(
    jsonRpcCodec.decode(Buffer.from('{"id":"1","result":null,"error":"no"}'), "response", point).error,
    "no",
  );
});

test("json and json-rpc: a value or a body that the type refuses is told as such", () => {
  for (const codec of [jsonCodec, jsonRpcCodec]) {
    assert.throws(() => codec.encode({ x: -1, y: 0 }, frame("response"), point), {
      code: 500,
      reason: "encode-failed",
      detail: `codec ${codec.name} can't encode: the message type refused an object of Object: x is below 0`,
    });
    const body = codec.encode([1, 2], frame("request"));
    assert.throws(() => codec.decode(body, "request", point), {
      code: 400,
      reason: "decode-failed",
      detail: `codec ${codec.name} can't decode: a point is a text`,
    });
  }
});

test("json: a type without a JSON form is left out of it", () => {
  const { encode, decode } = point;
  const type = { encode, decode };
  assert.equal(text(jsonCodec.encode({ x: 1 }, frame("request"), type)), '{"x":1}\n');
  assert.deepEqual(jsonCodec.decode(Buffer.from('{"x":1}'), "request", type).value, { x: 1 });
});
