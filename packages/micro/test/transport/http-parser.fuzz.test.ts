import assert from "node:assert/strict";
import { fuzzTest, mutated, pieces, type Random, splits } from "@ts-micro/fuzz";
import { newMetadata } from "../../src/metadata.ts";
import { carriedHeader } from "../../src/transport/header.ts";
import { requestHead, responseHead } from "../../src/transport/http-writer.ts";
import { type Kind, stream } from "./http-grammar.ts";
import { type Limits, parsed } from "./parsed.ts";

for (const kind of ["request", "response"] as const) {
  fuzzTest(`${kind}s are read the same however they are cut`, { rounds: 400 }, (random) => {
    const bytes = stream(random, kind);
    const limits = someLimits(random);
    const end = random.once(2);
    const { refused, ...whole } = parsed(kind, [bytes], limits, end);
    for (const cut of [pieces(random, bytes), ...splits(random, bytes, 50)]) {
      const { refused: why, ...again } = parsed(kind, cut, limits, end);
      // The first flaw that is seen may be another one. That there is one, and after which message, may not.
      assert.deepEqual(
        { ...again, status: again.status !== undefined, refused: why !== undefined },
        { ...whole, status: whole.status !== undefined, refused: refused !== undefined },
        `${shown(bytes)} in ${cut.length} pieces: ${why} instead of ${refused}`,
      );
    }
  });

  fuzzTest(`random bytes are no ${kind}`, { rounds: 500 }, (random) => {
    const bytes = random.bytes(random.length(300));
    const { messages } = parsed(kind, pieces(random, bytes), someLimits(random), true);
    assert.deepEqual(messages, [], shown(bytes));
  });
}

fuzzTest("what is written is read back", { rounds: 1_000 }, (random) => {
  const sent = Array.from({ length: 1 + random.below(3) }, () => message(random));
  const limits = { maxHeadBytes: 1 << 16, maxBodyBytes: 1 << 16 };
  for (const kind of ["request", "response"] as const) {
    const wire = Buffer.concat(sent.map((each) => written(kind, each)));
    const read = parsed(kind, pieces(random, wire), limits);
    assert.equal(read.refused, undefined);
    assert.equal(read.idle, true);
    assert.deepEqual(
      read.messages.map(({ header, body }) => ({ header, body })),
      sent.map(({ header, body }) => ({ header: expected(kind, header), body: body.toString("latin1") })),
    );
  }
});

for (const kind of ["request", "response"] as const) {
  fuzzTest(`a ${kind} is read the same whatever was read before`, { rounds: 1_000 }, (random) => {
    const before = written(kind, message(random));
    const next = similar(random, before);
    const limits = { ...someLimits(random), maxBodyBytes: 65_536 };
    const first = parsed(kind, [before], limits);
    if (first.refused !== undefined) return;
    const after = parsed(kind, [before, next], limits, true);
    const expected = parsed(kind, [next], limits, true);
    assert.deepEqual({ ...after, messages: after.messages.slice(1) }, expected, shown(next));
    assert.deepEqual(after.messages.slice(0, 1), first.messages);
  });
}

/** Small ones are reached often, and often exactly. */
function someLimits(random: Random): Limits {
  return {
    maxHeadBytes: random.of([65_536, 2_048, 60 + random.below(200)]),
    maxBodyBytes: random.of([65_536, 100]),
  };
}

function message(random: Random): { header: Record<string, string>; body: Buffer } {
  const header = newMetadata();
  for (let count = random.length(20); count > 0; count--) {
    const name = random.text(1 + random.length(12), "abcXYZ-019_!~");
    // A connection that is closed after it would hide the messages that follow.
    if (name.toLowerCase() !== "connection")
      header[name] = random.text(random.length(60), 'aZ0 \t\r\n\0\x7f:;,"é東😀');
  }
  return { header, body: random.bytes(random.length(2_000)) };
}

function written(kind: Kind, { header, body }: ReturnType<typeof message>): Buffer {
  const head =
    kind === "request" ? requestHead("a:1", header, body.length) : responseHead(header, body.length);
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

const otherValues = [
  "7",
  "12345",
  "Say.Hello",
  "a b",
  " x",
  "x ",
  "",
  "\xc3\xa9",
  "\x80",
  "a\tb",
  "\0",
  "\r",
  "-1",
  "close",
] as const;

/** The same message with other values in its head, as the next call has, or such as nobody may send; or damaged anyhow. */
function similar(random: Random, bytes: Buffer): Buffer {
  const [head = "", ...body] = bytes.toString("latin1").split("\r\n\r\n");
  const other = head.replace(/: [^\r]*/g, (same) => (random.once(3) ? `: ${random.of(otherValues)}` : same));
  const next = Buffer.from([other, ...body].join("\r\n\r\n"), "latin1");
  return random.once(4) ? mutated(random, next) : next;
}

function expected(kind: Kind, header: Record<string, string>): Record<string, string> {
  const carried = carriedHeader(header);
  if (kind === "request") carried["User-Agent"] ??= "Go-http-client/1.1";
  return { ...carried };
}

function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1").slice(0, 2_000));
}
