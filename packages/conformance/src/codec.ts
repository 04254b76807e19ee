import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MicroError } from "ts-micro";
import type { Codec, Frame, FrameKind, MessageType } from "ts-micro/codec";
import { newRandom } from "./random.ts";

export interface CodecSubject {
  create: () => Codec;
  /** Values that come back equal. At least two. */
  values: readonly unknown[];
  /** What `encode` and `decode` are given as their last argument. */
  type?: MessageType;
  /** Values that can't be encoded. */
  unencodable?: readonly unknown[];
  /** Bodies that can't be decoded, whatever the kind of the message. */
  undecodable?: readonly Uint8Array[];
  /** The body of a call repeats its id, endpoint or error: these come back from `decode`. */
  envelope?: readonly ("id" | "endpoint" | "error")[];
  /** Random bodies to decode. @default 3_000 */
  fuzzRuns?: number;
}

const kinds: readonly FrameKind[] = ["request", "response", "error", "event"];
const payloadKinds: readonly FrameKind[] = ["request", "response", "event"];

/** Well formed somewhere, and rarely what a codec expects. */
const oddBodies = [
  ...["null", "true", "7", '""', "[]", "{}", "[null]", '{"method":7}', '{"error":{}}'],
  // Lengths that promise more than there is, also within.
  ...["\0", "\0\0\0\0", "\0\0\0\x01\x11\0\0\0\0", "\0\0\0\x01\n\0\0\0\0"],
];

/** The suite of a codec: values survive, foreign bytes are refused and never crash. */
export function codecConformance(name: string, subject: CodecSubject): void {
  const { type, envelope = [], fuzzRuns = 3_000 } = subject;

  describe(`codec ${name}`, () => {
    test("has a name", () => {
      assert.match(subject.create().name, /^[a-z][a-z0-9+-]*$/);
    });

    test("what was encoded is decoded, as request, response and event", () => {
      const codec = subject.create();
      assert.ok(subject.values.length >= 2, "give at least two values");
      for (const kind of payloadKinds) {
        for (const value of subject.values) {
          const body = codec.encode(value, frameOf(kind), type);
          assert.ok(body instanceof Uint8Array);
          assertSame(codec.decode(body, kind, type).value, value);
        }
      }
    });

    test("the text, where a codec writes one, says what the bytes say, on one line", (t) => {
      const codec = subject.create();
      if (codec.encodeText === undefined || codec.decodeText === undefined) {
        t.diagnostic("its bodies are no text");
        return;
      }
      for (const kind of payloadKinds) {
        for (const value of [...subject.values, undefined]) {
          const body = codec.encode(value, frameOf(kind), type);
          const text = codec.encodeText(value, frameOf(kind), type);
          assert.ok(text !== undefined && !text.includes("\n"));
          if (value !== undefined) assertSame(codec.decodeText(text, kind, type), value);
          // What an absent body stands for is its type's affair.
          else {
            assert.equal(Buffer.from(body).toString().trimEnd(), text);
            if (text === "" && type === undefined) assertSame(codec.decodeText(text, kind, type), value);
          }
        }
      }
      const encoded = codec.encode(subject.values[0], frameOf("request"), type);
      assert.equal(
        codec.encodeText(encoded, frameOf("request"), type),
        undefined,
        "bytes are encoded already",
      );
      assertRefused(() => codec.decodeText?.("{", "request", type), codec.name, 400, "decode-failed");
    });

    test("the body as text, where a codec writes one, is the body", (t) => {
      const codec = subject.create();
      if (codec.bodyText === undefined) {
        t.diagnostic("its bodies are no text");
        return;
      }
      for (const kind of payloadKinds) {
        for (const value of [...subject.values, undefined]) {
          const body = codec.encode(value, frameOf(kind), type);
          const text = codec.bodyText(value, frameOf(kind), type);
          assert.equal(text, Buffer.from(body).toString());
          if (value !== undefined) assertSame(codec.decodeText?.(text, kind, type), value);
        }
      }
      const encoded = codec.encode(subject.values[0], frameOf("request"), type);
      assert.equal(codec.bodyText(encoded, frameOf("request"), type), undefined, "bytes are encoded already");
    });

    test("the text of bytes, where a codec writes one, is the bytes", (t) => {
      const codec = subject.create();
      if (codec.encodeLatin1 === undefined) {
        t.diagnostic("it writes bytes at once");
        return;
      }
      for (const kind of payloadKinds) {
        for (const value of [...subject.values, undefined]) {
          const body = codec.encode(value, frameOf(kind), type);
          const text = codec.encodeLatin1(value, frameOf(kind), type);
          assert.ok(text !== undefined && /^[\0-\xff]*$/.test(text));
          assertSame(Buffer.from(text, "latin1"), Buffer.from(body));
        }
      }
      const encoded = codec.encode(subject.values[0], frameOf("request"), type);
      assert.equal(
        codec.encodeLatin1(encoded, frameOf("request"), type),
        undefined,
        "bytes are encoded already",
      );
    });

    test("a body that is a part of a larger buffer is read alone", () => {
      const codec = subject.create();
      for (const value of subject.values) {
        const body = codec.encode(value, frameOf("request"), type);
        const around = new Uint8Array(body.length + 64).fill(0x7b);
        around.set(body, 32);
        assertSame(codec.decode(around.subarray(32, 32 + body.length), "request", type).value, value);
      }
    });

    test("encoding a value again gives the same bytes and leaves those given before alone", () => {
      const codec = subject.create();
      const [first, second] = subject.values;
      const body = codec.encode(first, frameOf("request"), type);
      const before = Uint8Array.from(body);
      codec.encode(second, frameOf("request"), type);
      assert.deepEqual(Uint8Array.from(body), before);
      assert.deepEqual(Uint8Array.from(codec.encode(first, frameOf("request"), type)), before);
    });

    test("decoding leaves the body as it was", () => {
      const codec = subject.create();
      const body = codec.encode(subject.values[0], frameOf("request"), type);
      const before = Uint8Array.from(body);
      codec.decode(body, "request", type);
      assert.deepEqual(Uint8Array.from(body), before);
    });

    test("an absent value and an empty body are no failure", () => {
      const codec = subject.create();
      for (const kind of kinds) {
        assert.ok(codec.encode(undefined, frameOf(kind), type) instanceof Uint8Array, kind);
        codec.decode(new Uint8Array(0), kind, type);
      }
      assert.equal(codec.decode(new Uint8Array(0), "error", type).value, undefined);
    });

    test("bytes are taken as encoded already", () => {
      const codec = subject.create();
      for (const value of subject.values) {
        const event = codec.encode(value, frameOf("event"), type);
        const body = codec.encode(event, frameOf("request"), type);
        assertSame(codec.decode(body, "request", type).value, value);
      }
    });

    test("the envelope carries what it promises", () => {
      const codec = subject.create();
      const [value] = subject.values;
      const carried = (frame: Frame) => {
        const body = codec.encode(frame.kind === "error" ? undefined : value, frame, type);
        return codec.decode(body, frame.kind, type);
      };
      // Lengths around those that take a byte more.
      for (const length of [1, 127, 128, 300, 20_000]) {
        const text = "é".repeat(length);
        const request = carried({ ...frameOf("request"), endpoint: `Say.${text}` });
        const response = carried({ ...frameOf("response"), endpoint: `Say.${text}` });
        const error = carried({ ...frameOf("error"), error: text });
        if (envelope.includes("endpoint")) assert.equal(request.endpoint, `Say.${text}`);
        if (envelope.includes("id")) assert.deepEqual([request.id, response.id], ["7", "7"]);
        if (envelope.includes("error")) assert.deepEqual([error.error, error.value], [text, undefined]);
        if (envelope.length === 0) {
          assert.deepEqual([request.endpoint, request.id, error.error], [undefined, undefined, undefined]);
        }
        assertSame(request.value, value);
        assertSame(response.value, value);
        assert.equal(response.error, undefined);
      }
    });

    test("a value that can't be encoded is a MicroError that names the codec", () => {
      const codec = subject.create();
      for (const value of subject.unencodable ?? []) {
        for (const kind of payloadKinds) {
          assertRefused(() => codec.encode(value, frameOf(kind), type), codec.name, 500, "encode-failed");
        }
      }
    });

    test("a body that can't be decoded is a MicroError that names the codec", () => {
      const codec = subject.create();
      for (const body of subject.undecodable ?? []) {
        for (const kind of payloadKinds) {
          assertRefused(() => codec.decode(body, kind, type), codec.name, 400, "decode-failed");
        }
      }
    });

    test("foreign bytes never give anything but a value or a MicroError", () => {
      const codec = subject.create();
      const random = newRandom(20261123);
      const bodies = payloadKinds.flatMap((kind) =>
        subject.values.map((value) => codec.encode(value, frameOf(kind), type)),
      );
      for (let run = 0; run < fuzzRuns; run++) {
        const body = bodyOf(run);
        for (const kind of kinds) {
          try {
            codec.decode(body, kind, type);
          } catch (thrown) {
            assert.ok(MicroError.is(thrown), `run ${run}: threw ${String(thrown)} for ${hex(body)}`);
            assert.equal(thrown.reason, "decode-failed", `run ${run}: ${hex(body)}`);
          }
        }
      }

      function bodyOf(run: number): Uint8Array {
        const odd = oddBodies[run];
        if (odd !== undefined) return Buffer.from(odd);
        return run % 3 === 0 ? random.bytes(random.below(64)) : mangled(bodies[run % bodies.length]);
      }

      /** Cut short, or with some bytes exchanged. */
      function mangled(body: Uint8Array = new Uint8Array(0)): Uint8Array {
        const copy = Uint8Array.from(body).subarray(
          0,
          random.below(4) === 0 ? random.below(body.length + 1) : undefined,
        );
        for (let changes = random.below(4); changes > 0 && copy.length > 0; changes--) {
          copy[random.below(copy.length)] = random.below(256);
        }
        return copy;
      }
    });
  });
}

function frameOf(kind: FrameKind): Frame {
  return { kind, id: "7", endpoint: "Say.Hello", error: kind === "error" ? "no such thing: é" : "" };
}

/** Bytes are compared by their contents, whatever class of array carries them. */
function assertSame(actual: unknown, expected: unknown): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array)
    assert.equal(hex(actual), hex(expected));
  else assert.deepEqual(actual, expected);
}

function assertRefused(run: () => unknown, codec: string, code: number, reason: string): void {
  assert.throws(run, (thrown: unknown) => {
    assert.ok(MicroError.is(thrown), `expected a MicroError, got ${String(thrown)}`);
    assert.deepEqual([thrown.code, thrown.reason], [code, reason]);
    assert.ok(thrown.detail.includes(codec), `"${thrown.detail}" doesn't name the codec ${codec}`);
    return true;
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
