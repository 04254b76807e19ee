import assert from "node:assert/strict";
import { test } from "node:test";
import { BadFrame } from "../../src/mux/line.ts";
import { FrameReader } from "../../src/mux/reader.ts";

interface Seen {
  letter: string;
  fields: string;
  bytes?: string;
  oversize?: number;
}

/** Everything that a reader makes of these pieces. */
function read(pieces: readonly Buffer[], maxBodyBytes = 1_000): Seen[] {
  const seen: Seen[] = [];
  const reader = new FrameReader((letter, line) => {
    const { bytes, oversize } = line;
    seen.push({
      letter: String.fromCharCode(letter),
      fields: line.rest(),
      ...(bytes !== undefined && { bytes: bytes.toString("latin1") }),
      ...(oversize > 0 && { oversize }),
    });
  }, maxBodyBytes);
  for (const piece of pieces) reader.push(piece);
  return seen;
}

function splitAt(bytes: Buffer, ...places: number[]): Buffer[] {
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

const stream = Buffer.concat([
  Buffer.from('q1 0 5000 - {"name":"world"}\n'),
  Buffer.from("i2 *6\n"),
  Buffer.from([0, 10, 255, 42, 10, 49]),
  Buffer.from('a3 " *5"\na4 5\na5 \nz6\ni7 *0\n'),
  Buffer.from("i8 *3\n\n\n\n"),
  Buffer.from("g\n"),
]);

const frames: Seen[] = [
  { letter: "q", fields: '1 0 5000 - {"name":"world"}' },
  { letter: "i", fields: "2 ", bytes: "\x00\n\xff*\n1" },
  { letter: "a", fields: '3 " *5"' },
  { letter: "a", fields: "4 5" },
  { letter: "a", fields: "5 " },
  { letter: "z", fields: "6" },
  { letter: "i", fields: "7 ", bytes: "" },
  { letter: "i", fields: "8 ", bytes: "\n\n\n" },
  { letter: "g", fields: "" },
];

test("frames come out whole, however they are split", () => {
  assert.deepEqual(read([stream]), frames);
  assert.deepEqual(read([...stream].map((byte) => Buffer.from([byte]))), frames);
  for (let one = 0; one <= stream.length; one++) {
    assert.deepEqual(read(splitAt(stream, one)), frames, `split at ${one}`);
    for (let two = one; two <= stream.length; two += 7) {
      assert.deepEqual(read(splitAt(stream, one, two)), frames, `split at ${one} and ${two}`);
    }
  }
});

test("a body that is too long is passed over, and what follows is read", () => {
  const long = Buffer.concat([Buffer.from("i1 *11\n"), Buffer.from("0123456789\n"), Buffer.from("z2\n")]);
  const expected = [
    { letter: "i", fields: "1 ", bytes: "", oversize: 11 },
    { letter: "z", fields: "2" },
  ];
  for (let at = 0; at <= long.length; at++) assert.deepEqual(read(splitAt(long, at), 10), expected);
  assert.equal(read([long], 11)[0]?.bytes, "0123456789\n");
});

test("a line without an end is refused before it fills the memory", () => {
  const piece = Buffer.alloc(64 * 1024, "x");
  assert.throws(() => read([piece, piece, piece, piece, piece]), BadFrame);
});

test("fields are read from left to right, and a bad number is refused", () => {
  const numbers = (text: string, count: number): number[] => {
    const found: number[] = [];
    const reader = new FrameReader((_letter, line) => {
      for (let at = 0; at < count; at++) found.push(line.number());
    }, 10);
    reader.push(Buffer.from(text));
    return found;
  };
  assert.deepEqual(numbers("q1 22 333\n", 3), [1, 22, 333]);
  for (const bad of ["q\n", "qx\n", "q-1\n", "q1x\n", "q1  2\n", "q1234567890123456\n", "q 1\n"]) {
    assert.throws(() => numbers(bad, 2), BadFrame, bad);
  }
});
