import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HttpError } from "../../src/transport/http-error.ts";
import type { HttpHead } from "../../src/transport/http-head.ts";
import { HttpParser, type HttpParserOptions } from "../../src/transport/http-parser.ts";
import { answers, lines, requests } from "./examples.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

interface Parsed {
  messages: { head: HttpHead; body: string }[];
  /** Status of the refusal. */
  refused: number | undefined;
  why: string;
  continues: number;
  parser: HttpParser;
}

/** Feeds the pieces, given as latin1, and ends the stream if asked. */
function parse(
  kind: "request" | "response",
  pieces: Iterable<string>,
  options: Partial<HttpParserOptions> & { end?: boolean } = {},
): Parsed {
  const messages: Parsed["messages"] = [];
  let continues = 0;
  const parser = new HttpParser({
    kind,
    maxBodyBytes: 1_000,
    message: (head, body) => messages.push({ head, body: body.toString("latin1") }),
    expectsContinue: () => continues++,
    ...options,
  });
  let error: unknown;
  try {
    for (const piece of pieces) parser.push(Buffer.from(piece, "latin1"));
    if (options.end === true) parser.end();
  } catch (thrown) {
    error = thrown;
    assert.ok(error instanceof HttpError, String(error));
  }
  const refused = error instanceof HttpError ? error : undefined;
  return { messages, refused: refused?.status, why: refused?.message ?? "", continues, parser };
}

/** The text whole, byte by byte, and cut in two at each place. */
function* splits(text: string): Generator<string[]> {
  yield [text];
  yield [...text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
}

for (const { name, header, body, wire } of requests) {
  test(`go-micro's request is read however it is cut: ${name}`, () => {
    const expected = { ...header, "User-Agent": "Go-http-client/1.1" };
    for (const pieces of splits(wire)) {
      const { messages, refused } = parse("request", pieces);
      assert.equal(refused, undefined);
      assert.deepEqual(
        messages.map(({ head, body }) => [{ ...head.header }, head.method, body]),
        [[expected, "POST", body]],
      );
    }
  });
}

for (const { name, header, body, wire } of answers) {
  test(`go-micro's answer is read however it is cut: ${name}`, () => {
    for (const pieces of splits(wire)) {
      const { messages, refused } = parse("response", pieces);
      assert.equal(refused, undefined);
      assert.deepEqual(
        messages.map(({ head, body }) => [{ ...head.header }, head.status, head.statusLine, body]),
        [[header, 200, "200 OK", body]],
      );
    }
  });
}

test("messages that follow each other without a gap are read one by one", () => {
  const { messages } = parse("request", [requests.map(({ wire }) => wire).join("")]);
  assert.deepEqual(
    messages.map(({ body }) => body),
    requests.map(({ body }) => body),
  );
  const { messages: read } = parse("response", [answers.map(({ wire }) => wire).join("")]);
  assert.deepEqual(
    read.map(({ body }) => body),
    answers.map(({ body }) => body),
  );
});

const start = lines("POST / HTTP/1.1", "Host: a");

/** A request with these further lines. */
function request(...more: string[]): string {
  return lines(start, ...more, "", "");
}

test("of a header that comes twice the first value counts, whatever the case of its name", () => {
  const { messages } = parse("request", [request("X-A: 1", "x-a: 2", "x-A: 3")]);
  assert.equal(messages[0]?.head.header["X-A"], "1");
});

test("values lose the white space around them and are UTF-8", () => {
  const { messages } = parse("request", [
    request("X-A: \t a\tb \t", "X-B:c", "X-C:", "X-D: Z\xc3\xbcrich", "X-E: \xff"),
  ]);
  assert.deepEqual(
    { ...messages[0]?.head.header },
    { "X-A": "a\tb", "X-B": "c", "X-C": "", "X-D": "Zürich", "X-E": "�" },
  );
});

test("what says how the message is carried is no header of it", () => {
  const framing = [
    "Content-Length: 0",
    "TE: trailers",
    "Keep-Alive: 5",
    "Upgrade: h2c",
    "Trailer: X",
    "Proxy-Connection: x",
  ];
  const { messages } = parse("request", [request(...framing, "Connection: upgrade")]);
  assert.deepEqual({ ...messages[0]?.head.header }, { Connection: "upgrade" });
});

test("chunks are joined, extensions and trailers left out", () => {
  const body = lines(
    "5;name=value",
    "Hello",
    'A;x;y="a \\" b"',
    ", chunked ",
    "0",
    "X-Sum: 1",
    "x-more: 2",
    "",
    "",
  );
  const text = request("Transfer-Encoding: Chunked") + body + requests[0]?.wire;
  for (const pieces of splits(text)) {
    const { messages, refused } = parse("request", pieces);
    assert.equal(refused, undefined);
    assert.deepEqual(
      messages.map(({ body }) => body),
      ["Hello, chunked ", requests[0]?.body],
    );
    assert.equal(messages[0]?.head.header["X-Sum"], undefined);
  }
});

const refusedRequests: [name: string, text: string, status: number][] = [
  ["a folded line", request("X-A: 1", " 2"), 400],
  ["a line folded by a tab", request("X-A: 1", "\t2"), 400],
  ["white space before the first field", lines("POST / HTTP/1.1", " Host: a", "", ""), 400],
  ["white space before the colon", request("X-A : 1"), 400],
  ["a bare CR in a value", request("X-A: 1\rX-B: 2"), 400],
  ["a bare CR before the line end", request("X-A: 1\r"), 400],
  ["a bare LF in a value", request("X-A: 1\nX-B: 2"), 400],
  ["lines that end in LF", "POST / HTTP/1.1\nHost: a\n\n", 400],
  ["a NUL in a value", request("X-A: 1\x00"), 400],
  ["a control character in a value", request("X-A: \x1b[31m"), 400],
  ["a DEL in a value", request("X-A: \x7f"), 400],
  ["a field without colon", request("X-A"), 400],
  ["a field without name", request(": x"), 400],
  ["a name with a space", request("X A: 1"), 400],
  ["a name with a letter that is not ASCII", request("X-\xe4: 1"), 400],
  ["no Host", lines("POST / HTTP/1.1", "X-A: 1", "", ""), 400],
  ["two Hosts", request("Host: b"), 400],
  ["two lengths", request("Content-Length: 1", "Content-Length: 2"), 400],
  ["the same length twice", request("Content-Length: 1", "content-length: 1"), 400],
  ["a list of lengths", request("Content-Length: 1, 1"), 400],
  ["a length with sign", request("Content-Length: +1"), 400],
  ["a negative length", request("Content-Length: -1"), 400],
  ["a hexadecimal length", request("Content-Length: 0x1"), 400],
  ["an empty length", request("Content-Length:"), 400],
  ["a length past all numbers", request("Content-Length: 99999999999999999999"), 400],
  ["length and chunked", request("Content-Length: 5", "Transfer-Encoding: chunked"), 400],
  ["chunked and length", request("Transfer-Encoding: chunked", "Content-Length: 5"), 400],
  ["chunked twice", request("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400],
  ["another coding", request("Transfer-Encoding: gzip"), 501],
  ["two codings", request("Transfer-Encoding: gzip, chunked"), 501],
  ["a coding that only looks like chunked", request("Transfer-Encoding: xchunked"), 501],
  ["an empty coding", request("Transfer-Encoding:"), 501],
  ["chunked in HTTP/1.0", lines("POST / HTTP/1.0", "Transfer-Encoding: chunked", "", ""), 400],
  ["an unknown expectation", request("Expect: miracles"), 417],
  ["a body that is too long", request("Content-Length: 1001"), 413],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["HTTP/1.2", lines("POST / HTTP/1.2", "Host: a", "", ""), 505],
  ["no version", lines("POST /", "Host: a", "", ""), 400],
  ["two spaces in the request line", lines("POST  / HTTP/1.1", "Host: a", "", ""), 400],
  ["a space in the target", lines("POST /a b HTTP/1.1", "Host: a", "", ""), 400],
  ["a method that is no token", lines("PO@ST / HTTP/1.1", "Host: a", "", ""), 400],
  ["an empty line first", `\r\n${request()}`, 400],
  ["nothing but line ends", "\r\n\r\n", 400],
  ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00", 400],
  ["a head that is too long", request(`X-A: ${"x".repeat(70_000)}`), 431],
  ["a head that is too long and never ends", `${start}\r\nX-A: ${"x".repeat(70_000)}`, 431],
  ["too many fields", request(...Array.from({ length: 300 }, (_, n) => `X-${n}: 1`)), 431],
];

const chunked = request("Transfer-Encoding: chunked");

refusedRequests.push(
  ["a chunk size that is no number", `${chunked}x\r\n`, 400],
  ["an empty chunk size", `${chunked}\r\n\r\n`, 400],
  ["a chunk size with 0x", `${chunked}0x1\r\na\r\n`, 400],
  ["a negative chunk size", `${chunked}-1\r\n`, 400],
  ["a chunk size after white space", `${chunked} 1\r\na\r\n`, 400],
  ["a chunk size past all numbers", `${chunked}fffffffff\r\n`, 400],
  ["a chunk line that ends in LF", `${chunked}1\na\r\n0\r\n\r\n`, 400],
  ["a bare CR in a chunk extension", `${chunked}1;a\rb\r\na\r\n`, 400],
  ["white space before a chunk extension", `${chunked}1 ;a\r\na\r\n`, 400],
  ["white space in a chunk extension", `${chunked}1; a\r\na\r\n`, 400],
  ["white space after a chunk size", `${chunked}1 \r\na\r\n`, 400],
  ["a chunk extension without name", `${chunked}1;\r\na\r\n`, 400],
  ["a chunk extension whose quote doesn't end", `${chunked}1;a="b\r\na\r\n`, 400],
  ["a chunk extension without end", `${chunked}1;${"x".repeat(300)}`, 400],
  ["a chunk that is longer than announced", `${chunked}1\r\nab\r\n`, 400],
  ["chunks that are too long together", `${chunked}3e8\r\n${"x".repeat(1_000)}\r\n1\r\nx`, 413],
  ["a chunk that is too long", `${chunked}3e9\r\n`, 413],
  ["a folded trailer", `${chunked}0\r\nX-A: 1\r\n 2\r\n\r\n`, 400],
  ["a trailer with a bare LF", `${chunked}0\r\nX-A: 1\nX-B: 2\r\n\r\n`, 400],
  ["a bare CR instead of a trailer", `${chunked}0\r\n\rX: 1\r\n\r\n`, 400],
  ["a trailer that never ends", `${chunked}0\r\nX-A: ${"x".repeat(9_000)}`, 431],
);

for (const [name, text, status] of refusedRequests) {
  test(`a request with ${name} is refused with ${status}`, () => {
    const whole = parse("request", [text]);
    assert.deepEqual([whole.refused, whole.messages.length], [status, 0], whole.why);
    const bytewise = parse("request", text);
    assert.equal(bytewise.messages.length, 0);
    assert.ok(bytewise.refused !== undefined);
    // Nothing that follows brings the parser back.
    whole.parser.push(Buffer.from(request()));
    assert.equal(whole.messages.length, 0);
  });
}

test("bytes that no head begins with are refused before the head is complete", () => {
  for (const text of ["\x16\x03\x01", "GET / HTTP/1.1\nHost", "GET / HTTP/1.1\r\nX: \x00", "GET /\rx"]) {
    assert.equal(parse("request", [text]).refused, 400, JSON.stringify(text));
    assert.equal(parse("request", text).refused, 400, JSON.stringify(text));
  }
});

const refusedResponses: [name: string, text: string][] = [
  ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
  ["an HTTP/2 frame", "\x00\x00\x06\x04\x00"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
  ["length and chunked", lines("HTTP/1.1 200 OK", "Content-Length: 0", "Transfer-Encoding: chunked", "", "")],
  ["two lengths", lines("HTTP/1.1 200 OK", "Content-Length: 0", "Content-Length: 0", "", "")],
  ["a folded line", lines("HTTP/1.1 200 OK", "X-A: 1", " 2", "", "")],
  ["a body that is too long", lines("HTTP/1.1 200 OK", "Content-Length: 1001", "", "")],
  ["a body without length that is too long", `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(1_001)}`],
];

for (const [name, text] of refusedResponses) {
  test(`an answer with ${name} is refused`, () => {
    for (const pieces of [[text], text]) {
      const { messages, refused } = parse("response", pieces);
      assert.ok(refused !== undefined);
      assert.equal(messages.length, 0);
    }
  });
}

test("an answer without length ends with the connection", () => {
  for (const pieces of splits(lines("HTTP/1.0 200 OK", "X-A: 1", "", "all the rest"))) {
    const { messages } = parse("response", pieces, { end: true });
    assert.deepEqual(
      messages.map(({ head, body }) => [head.status, body]),
      [[200, "all the rest"]],
    );
  }
  assert.equal(parse("response", ["HTTP/1.1 200\r\n\r\n"], { end: true }).messages.length, 1);
});

test("interim answers are passed over, and answers that have no body have none", () => {
  const text =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n" +
    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  for (const pieces of splits(text)) {
    const { messages } = parse("response", pieces);
    assert.deepEqual(
      messages.map(({ head, body }) => [head.status, body]),
      [
        [204, ""],
        [200, "x"],
      ],
    );
  }
});

test("a message that is cut off is no message", () => {
  const wire = requests[0]?.wire ?? "";
  for (let at = 1; at < wire.length; at++) {
    const { messages, why } = parse("request", [wire.slice(0, at)], { end: true });
    assert.equal(messages.length, 0);
    assert.equal(why, "unexpected EOF");
  }
  const inChunk = `${chunked}5\r\nHel`;
  assert.equal(parse("request", [inChunk], { end: true }).why, "unexpected EOF");
  assert.equal(parse("request", [wire], { end: true }).refused, undefined);
});

test("a client that waits for 100 Continue is answered once, before the body only", () => {
  const head = request("Expect: 100-Continue", "Content-Length: 2");
  assert.equal(parse("request", [head]).continues, 1);
  assert.equal(parse("request", [head, "x", "y"]).continues, 1);
  assert.equal(parse("request", [`${head}x`, "y"]).continues, 0);
  assert.equal(parse("request", [request("Expect: 100-continue")]).continues, 0);
  assert.equal(parse("request", [request("Expect: 100-continue", "Content-Length: 1001")]).continues, 0);
});

test("who wants the connection closed is told from who doesn't", () => {
  const closes = (text: string) => parse("request", [text]).messages[0]?.head.close;
  assert.equal(closes(request()), false);
  assert.equal(closes(request("Connection: keep-alive")), false);
  assert.equal(closes(request("Connection: Close")), true);
  assert.equal(closes(request("Connection: upgrade,close")), true);
  assert.equal(closes(lines("GET / HTTP/1.0", "", "")), true);
  assert.equal(closes(lines("GET / HTTP/1.0", "Connection: keep-alive", "", "")), false);
});

test("a stopped parser reads no further, not even what came in the same bytes", () => {
  const seen: string[] = [];
  const parser: HttpParser = new HttpParser({
    kind: "request",
    maxBodyBytes: 10,
    message: (_head, body) => {
      seen.push(body.toString());
      parser.stop();
    },
  });
  parser.push(Buffer.from(`${request("Content-Length: 1")}a${request("Content-Length: 1")}b`));
  parser.push(Buffer.from(request()));
  parser.end();
  assert.deepEqual(seen, ["a"]);
});

test("an announced length costs no memory until the bytes come", () => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 200 }, () => {
    const parser = new HttpParser({ kind: "request", maxBodyBytes: 1 << 30, message: () => {} });
    parser.push(Buffer.from(`${request(`Content-Length: ${1 << 30}`)}x`));
    return parser;
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
  assert.ok(parsers.every(({ idle }) => !idle));
});

/** Bytes of buffers that are reachable. Dead ones are let go by a thread, so it may take some rounds to see that. */
async function arrayBuffersBelow(expected: number): Promise<number> {
  for (let rounds = 0; ; rounds++) {
    collectGarbage();
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers <= expected || rounds === 20) return arrayBuffers;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Beginnings that a peer can go on with for ever, and what it goes on with. */
const endless: [name: string, kind: "request" | "response", beginning: string, more: string][] = [
  ["a head", "request", `${start}\r\nX-A: `, "x"],
  ["fields", "request", `${start}\r\n`, "X-A: 1\r\n"],
  ["a body", "request", request("Content-Length: 1000000"), "x"],
  ["chunks of one byte", "request", chunked, `1;a=${"x".repeat(200)}\r\nx\r\n`],
  ["a chunk", "request", `${chunked}fffff\r\n`, "x"],
  ["a chunk extension", "request", `${chunked}1;a=`, "x"],
  ["a trailer", "request", `${chunked}0\r\nX-A: `, "x"],
  ["a body until the end", "response", "HTTP/1.1 200 OK\r\n\r\n", "x"],
  ["interim answers", "response", "", "HTTP/1.1 100 Continue\r\n\r\n"],
];

for (const [name, kind, beginning, more] of endless) {
  test(`${name} without end cost no more memory than the limits allow`, async () => {
    const limits = { maxHeadBytes: 10_000, maxBodyBytes: 20_000 };
    const pieceBytes = 1_000;
    const count = 50;
    const before = await arrayBuffersBelow(0);
    const parsers = Array.from({ length: count }, () => {
      const parser = new HttpParser({ kind, ...limits, message: () => assert.fail("no message ever ends") });
      const bytes = Buffer.from(beginning + more.repeat(Math.ceil(200_000 / more.length)), "latin1");
      try {
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          // Each in memory of its own, as a socket gives it.
          parser.push(Buffer.from(new Uint8Array(bytes.subarray(at, at + pieceBytes))));
        }
      } catch (thrown) {
        assert.ok(thrown instanceof HttpError);
      }
      return parser;
    });
    // A body that grows is copied into twice its length.
    const most = count * (limits.maxHeadBytes + 2 * limits.maxBodyBytes + pieceBytes);
    const held = (await arrayBuffersBelow(before + most)) - before;
    assert.ok(held <= most, `${count} parsers hold ${held} bytes, ${most} are allowed`);
    assert.equal(parsers.length, count);
  });
}

test("heads that differ in values only are read one by one", () => {
  const one = (id: string, body: string, ...more: string[]) => {
    const fields = [`Content-Length: ${body.length}`, `Micro-Id: ${id}`, "X-A: é", ...more];
    return lines("POST / HTTP/1.1", "Host: a", ...fields, "", "") + body;
  };
  const { messages, refused } = parse("request", [
    one("1", "a") + one("22", "bcd") + one("a b", "") + one("3", "e", "X-B: 1") + one("4", "f"),
  ]);
  assert.equal(refused, undefined);
  assert.deepEqual(
    messages.map(({ head, body }) => [head.header["Micro-Id"], head.header["X-B"], head.body, body]),
    [
      ["1", undefined, 1, "a"],
      ["22", undefined, 3, "bcd"],
      ["a b", undefined, 0, ""],
      ["3", "1", 1, "e"],
      ["4", undefined, 1, "f"],
    ],
  );
  const [first, second] = messages;
  assert.notEqual(first?.head.header, second?.head.header);
});

test("a header belongs to whoever got it, however like the others it is", () => {
  const bytes = (id: number, by: string) =>
    lines(
      "POST / HTTP/1.1",
      "Host: a",
      "Content-Length: 0",
      `Authorization: Bearer ${by}`,
      `Micro-Id: ${id}`,
      "",
      "",
    );
  const [first, second] = parse("request", [bytes(1, "me") + bytes(2, "me")]).messages;
  for (const message of [first, second])
    Object.assign(message?.head.header ?? {}, { "Micro-Id": "9", Tenant: "t" });
  const others = parse("request", [bytes(3, "you") + bytes(1, "me")]).messages;
  assert.deepEqual(
    others.map(({ head }) => ({ ...head.header })),
    [
      { Authorization: "Bearer you", "Micro-Id": "3" },
      { Authorization: "Bearer me", "Micro-Id": "1" },
    ],
  );
});

test("heads of ever new kinds cost no more memory than a few, and those that came before are read as before", () => {
  const one = (id: string, kind: number) =>
    lines(
      "POST / HTTP/1.1",
      "Host: a",
      "Content-Length: 0",
      `Micro-Id: ${id}`,
      `X-Kind-${kind}: ${"x".repeat(1_500)}`,
      "",
      "",
    );
  const before = parse("request", [one("1", 0)]);
  const used = heapUsed();
  for (let kind = 1; kind <= 5_000; kind++) parse("request", [one("1", kind)]);
  const more = heapUsed() - used;
  assert.ok(more < 5_000 * 750, `${more} bytes for 5,000 kinds`);
  before.parser.push(Buffer.from(one("2", 0) + one("3", 5_000)));
  const after = parse("request", [one("4", 0) + one("5", 0)]);
  assert.deepEqual(
    [...before.messages, ...after.messages].map(({ head }) => head.header["Micro-Id"]),
    ["1", "2", "3", "4", "5"],
  );
});

test("a value that is kept doesn't keep the long head that it came in", () => {
  const count = 200;
  const filling = "x".repeat(60_000);
  const used = heapUsed();
  const kept = Array.from({ length: count }, (_, n) => {
    const head = lines(
      "POST / HTTP/1.1",
      "Host: a",
      "Content-Length: 0",
      `Micro-Id: identity-of-user-${n}`,
      `X-A: ${filling}`,
      "",
      "",
    );
    return parse("request", [head]).messages[0]?.head.header["Micro-Id"];
  });
  const more = heapUsed() - used;
  assert.ok(more < (count * filling.length) / 4, `${more} bytes for ${count} short values`);
  assert.equal(kept[count - 1], `identity-of-user-${count - 1}`);
});

test("nothing that decides how a message ends is taken over from the head before", () => {
  const request = (...fields: string[]) => lines("POST / HTTP/1.1", "Host: a", ...fields, "", "");
  const plain = `${request("Content-Length: 1")}a`;
  assert.equal(parse("request", [plain + request("Content-Length: +1")]).refused, 400);
  assert.equal(parse("request", [plain + request("Content-Length: 1", "Content-Length: 1")]).refused, 400);
  assert.equal(parse("request", [plain + request("Content-Length: 1001")]).refused, 413);
  assert.equal(parse("request", [request("Content-Length: 0") + plain]).messages[1]?.body, "a");
  const expecting = (length: number) => request(`Content-Length: ${length}`, "Expect: 100-continue");
  assert.equal(parse("request", [expecting(0) + expecting(1)]).continues, 1);
  const closing = (connection: string) => request("Content-Length: 0", `Connection: ${connection}`);
  const closes = parse("request", [closing("keep-alive") + closing("close")]).messages;
  assert.deepEqual(
    closes.map(({ head }) => head.close),
    [false, true],
  );
  const answer = (status: string, length: number) =>
    lines(`HTTP/1.1 ${status}`, `Content-Length: ${length}`, "", "");
  const empty = parse("response", [
    answer("204 No Content", 0) + answer("204 No Content", 5) + answer("200 OK", 0),
  ]);
  assert.deepEqual(
    empty.messages.map(({ head }) => head.body),
    [0, 0, 0],
  );
});

test("what is kept of bytes that were lent is a copy", () => {
  const bodies: (string | Buffer)[] = [];
  const heads: HttpHead[] = [];
  const parser = new HttpParser({
    kind: "request",
    maxBodyBytes: 1_000,
    message: (head, body) => {
      heads.push(head);
      bodies.push(body);
    },
  });
  const lent = Buffer.alloc(1_000);
  const push = (text: string) => {
    lent.fill("x");
    parser.push(lent.subarray(0, lent.write(text)), true);
  };
  const head = lines("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Micro-Id: 1", "", "");
  for (const piece of [
    `${head}abc`,
    `${head}\0é`,
    `${head}d`,
    "ef",
    head.slice(0, 20),
    `${head.slice(20)}ghi`,
  ])
    push(piece);
  push("");
  assert.deepEqual(bodies.map(String), ["abc", "\0é", "def", "ghi"]);
  assert.deepEqual(
    heads.map(({ header }) => header["Micro-Id"]),
    ["1", "1", "1", "1"],
  );
});
