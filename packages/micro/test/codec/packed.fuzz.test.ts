/** Whatever a program may write is read as from JSON, and whatever a stranger may send is a value or an error. */
import assert from "node:assert/strict";
import { fuzzTest, mutated, type Random } from "@ts-micro/fuzz";
import type { Frame } from "../../src/codec/codec.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { packedCodec } from "../../src/codec/packed.ts";
import { MicroError } from "../../src/errors.ts";

const frame: Frame = { kind: "response", id: "", endpoint: "A.B", error: "" };
const alphabet = 'ab"\\\n\0é\u2028\u20ac\ud800\udc00😀';

/** Everything that JSON.stringify has a rule for. */
function value(random: Random, depth: number): unknown {
  const kind = random.below(depth > 4 ? 12 : 18);
  switch (kind) {
    case 0:
      return random.text(random.length(40), alphabet);
    case 1:
      return random.text(random.length(300), "plain text ");
    case 2:
      return random.below(2 ** 32) - 2 ** 31;
    case 3:
      return random.of([
        0,
        -0,
        27,
        28,
        255,
        256,
        65_535,
        65_536,
        -1,
        -29,
        2 ** 32,
        2 ** 53,
        -(2 ** 53),
        2 ** 70,
      ]);
    case 4:
      return (random.below(2 ** 32) - 2 ** 31) / 2 ** random.below(40);
    case 5:
      return random.of([Number.NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]);
    case 6:
      return random.once(2);
    case 7:
      return null;
    case 8:
      return random.of<unknown>([undefined, () => 1, Symbol("s")]);
    case 9:
      return random.of<unknown>([
        new Date(random.below(2 ** 32)),
        new Date(Number.NaN),
        Buffer.from("bytes"),
        /x/,
      ]);
    case 10:
      return random.of<unknown>([Object(5), Object("text"), Object(false), new Map([[1, 2]]), new Set([1])]);
    case 11: {
      // The same each time it is asked.
      const given = value(random, depth + 1);
      return random.of<unknown>([
        { toJSON: () => given },
        { toJSON: () => undefined, a: 1 },
        new Uint8Array(random.length(3)),
      ]);
    }
    case 12:
    case 13:
      return Array.from({ length: random.length(12) }, () => value(random, depth + 1));
    case 14: {
      // Many of one shape, with exceptions.
      const names = Array.from({ length: random.length(6) }, () => name(random));
      return Array.from({ length: random.length(12) }, () =>
        Object.fromEntries(
          names.filter(() => !random.once(20)).map((each) => [each, value(random, depth + 2)]),
        ),
      );
    }
    default: {
      const count = random.once(20) ? 60 + random.below(10) : random.length(8);
      const object: object = random.once(8) ? Object.create(null) : {};
      for (let n = 0; n < count; n++) define(object, name(random), value(random, depth + 1));
      return object;
    }
  }
}

function name(random: Random): string {
  return random.of([
    random.text(random.length(5), "abc"),
    random.text(random.length(5), alphabet),
    String(random.below(20)),
    random.of(["__proto__", "constructor", "toString", "length", "", "toJSON"]),
  ]);
}

function define(object: object, key: string, member: unknown): void {
  Object.defineProperty(object, key, { value: member, enumerable: true, configurable: true, writable: true });
}

fuzzTest("every value is read as from JSON", { rounds: 800 }, (random) => {
  const drawn = value(random, 0);
  // Bytes alone are taken as written already.
  const given = drawn instanceof Uint8Array ? [drawn] : drawn;
  // Twice: at first everything is new, then nothing.
  for (let time = 0; time < 2; time++) {
    let json: unknown;
    try {
      json = jsonCodec.decode(jsonCodec.encode(given, frame), "response").value;
    } catch {
      assert.throws(() => packedCodec.encode(given, frame), /can't encode/);
      continue;
    }
    assert.deepEqual(packedCodec.decode(packedCodec.encode(given, frame), "response").value, json);
  }
});

const words = [
  "\x01\0\0\0\x01",
  "\x02",
  "\x9f\xff\xff\xff\xff",
  "\x7f\xff\xff\xff\xff",
  "\x80\x41a",
  "\xa1",
  "\xe3",
  "\xe4",
];

fuzzTest("random and damaged bytes are a value or an error", { rounds: 1_200 }, (random) => {
  const good = Buffer.from(packedCodec.encode([value(random, 0)], frame));
  const body = random.once(4) ? random.bytes(random.length(200)) : mutated(random, good, words);
  let read: unknown;
  try {
    read = packedCodec.decode(body, "request").value;
  } catch (thrown) {
    assert.ok(MicroError.is(thrown), String(thrown));
    assert.deepEqual([thrown.code, thrown.reason], [400, "decode-failed"]);
    return;
  }
  // What was read is plain, and can be written again.
  if (read !== undefined) {
    assert.deepEqual(packedCodec.decode(packedCodec.encode(read, frame), "response").value, read);
  }
});
