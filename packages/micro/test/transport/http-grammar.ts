/** HTTP/1.1 messages out of a grammar: good ones of every form, and good ones with a flaw that attackers use. */
import { mutated, type Random } from "@ts-micro/fuzz";

/** A message before it is written; each field is a whole line. Texts are latin1. */
interface Draft {
  start: string;
  fields: string[];
  body: string;
}

export type Kind = "request" | "response";

/** Some messages after each other, as bytes; one in three streams is flawless. */
export function stream(random: Random, kind: Kind): Buffer {
  const flawed = !random.once(3);
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count--) text += written(draft(random, kind, flawed));
  const bytes = Buffer.from(text, "latin1");
  return flawed && random.once(3) ? mutated(random, bytes, words) : bytes;
}

/** Pieces that mean something to a parser of HTTP. */
const words = [
  ...["\r\n", "\r\n\r\n", "\r", "\n", "\0", "\t", " ", ":", ";", ",", "\x7f", "\x80", "\xff", "0", "a"],
  ...[
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Host: b\r\n",
    "chunked",
    "HTTP/1.1",
    "HTTP/1.0",
  ],
  ...[
    "POST / HTTP/1.1\r\nHost: c\r\n\r\n",
    "0\r\n\r\n",
    "fffffffff",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
  ],
] as const;

function draft(random: Random, kind: Kind, flawed: boolean): Draft {
  const drafted = kind === "request" ? request(random) : response(random);
  if (flawed) {
    for (let count = 1 + random.below(2); count > 0; count--) random.of(flaws)(random, drafted);
  }
  return drafted;
}

function request(random: Random): Draft {
  const method = random.of(["POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD"]);
  const target = random.of(["/", "/", "/a?b=c%20", "*", "http://a/b"]);
  const minor = random.once(8) ? 0 : 1;
  const drafted = { start: `${method} ${target} HTTP/1.${minor}`, fields: plainFields(random), body: "" };
  if (minor === 1) insert(random, drafted.fields, `Host: ${random.of(["a", "127.0.0.1:8080", "[::1]"])}`);
  addBody(random, drafted, minor === 1);
  return drafted;
}

function response(random: Random): Draft {
  const status = random.of([
    "200 OK",
    "200 OK",
    "200",
    "200 ",
    "404 Not Found",
    "204 No Content",
    "304 Not Modified",
  ]);
  const drafted = { start: `HTTP/1.1 ${status}`, fields: plainFields(random), body: "" };
  addBody(random, drafted, true);
  return drafted;
}

function plainFields(random: Random): string[] {
  return Array.from({ length: random.length(20) }, () => {
    const name = random.of([
      "Micro-Id",
      "micro-ENDPOINT",
      "X-A",
      "x-a",
      "Content-Type",
      "Accept",
      "!#$%&'*+-.^_`|~9z",
    ]);
    const blank = random.of(["", " ", "  ", "\t", " \t "]);
    return `${name}:${blank}${value(random)}${random.of(["", "", " ", "\t"])}`;
  });
}

function value(random: Random): string {
  return random.text(random.length(40), 'abcXYZ019 \t,;:="{}[]/\\()<>@?%\x80\xc3\xa9\xff');
}

function addBody(random: Random, drafted: Draft, mayChunk: boolean): void {
  const text = random.bytes(random.length(200)).toString("latin1");
  switch (random.below(mayChunk ? 4 : 3)) {
    case 0:
      break;
    case 1:
      insert(random, drafted.fields, "Content-Length: 0");
      break;
    case 2:
      insert(random, drafted.fields, `${random.of(["Content-Length", "content-length"])}: ${text.length}`);
      drafted.body = text;
      break;
    default:
      insert(random, drafted.fields, `Transfer-Encoding: ${random.of(["chunked", "Chunked", "CHUNKED"])}`);
      drafted.body = chunked(random, text);
  }
}

function chunked(random: Random, text: string): string {
  let body = "";
  for (let at = 0; at < text.length; ) {
    const piece = text.slice(at, at + 1 + random.length(60));
    const size = random.of(["", "0", "000"]) + piece.length.toString(16);
    const extension = random.of(["", "", "", ";a", ";a=b", ';a="b c";d']);
    body += `${random.once(2) ? size : size.toUpperCase()}${extension}\r\n${piece}\r\n`;
    at += piece.length;
  }
  const trailer = random.once(4) ? `X-Sum: ${value(random)}\r\nx-more: 1\r\n` : "";
  return `${body}${random.of(["0", "0", "00", "0;a"])}\r\n${trailer}\r\n`;
}

/** What makes two readers see two different messages, and what a lazy parser lets pass. */
const flaws: readonly [Flaw, ...Flaw[]] = [
  (random, { fields }) => insert(random, fields, random.of(framing)),
  (random, { fields }) => insert(random, fields, random.of(framing)),
  (random, { fields }) =>
    change(random, fields, (line) => line.replace(":", random.of([" :", "\t:", "", "\0:", ": \r\n "]))),
  (random, { fields }) =>
    change(random, fields, (line) => line + random.of(["\r", "\n", "\0", "\r\n ", "\r\n\t", "\x7f", "\x0b"])),
  (random, { fields }) =>
    change(random, fields, (line) => random.of(["\n", "\r", " ", "\t", "\0", "\x85", "("]) + line),
  (random, drafted) => {
    const ends = drafted.body.split("\r\n");
    const at = random.below(ends.length);
    const end = random.of(["\n", "\r", "\r\r\n", "\n\r", " \r\n", "", "\n\n", "xx", "\r\n\r\n"]);
    drafted.body = ends.slice(0, at).join("\r\n") + end + ends.slice(at).join("\r\n");
  },
  (random, drafted) => {
    drafted.body = random.of(["", "-", "+", "0x", " ", "\t", "\r\n", "g", "_", "00000000000"]) + drafted.body;
  },
  (random, drafted) => {
    drafted.body = drafted.body.replace(
      /^[0-9a-f]+/i,
      random.of(["ffffffff", "fffffffff", "7fffffff", "1", "", "0"]),
    );
  },
  (random, drafted) => {
    drafted.body = drafted.body.replace(
      "\r\n",
      `${random.of([";", " ;a", "; a", ";a=", ';a="', ";\x00", " "])}\r\n`,
    );
  },
  (random, drafted) => {
    drafted.start = drafted.start.replace(/ /, random.of(["  ", "\t", "", "\r ", "\n", " \r"]));
  },
  (random, drafted) => {
    drafted.start = drafted.start.replace(
      /1\.\d/,
      random.of(["1.2", "2.0", "0.9", "1.", "1.10", "11.1", "1,1"]),
    );
  },
  (random, drafted) => {
    drafted.start = random.of(["\r\n", "\n", " ", "\0", "\r"]) + drafted.start;
  },
  (random, { fields }) => {
    for (let count = random.of([1, 250, 257, 300]); count > 0; count--) fields.push(`X-${count}: ${count}`);
  },
  (random, { fields }) => {
    fields.push(`X-Long: ${"x".repeat(random.once(8) ? 70_000 : random.below(4_000))}`);
  },
  (_random, { fields }) => {
    fields.splice(
      fields.findIndex((line) => line.startsWith("Host")),
      1,
    );
  },
];

const framing = [
  ...[
    "Content-Length: 1",
    "Content-Length: 0",
    "Content-Length: 5",
    "content-length: 5",
    "Content-Length: 5, 5",
  ],
  ...[
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 0x5",
    "Content-Length: 5 5",
    "Content-Length:",
  ],
  ...[
    "Content-Length: 99999999999999999999",
    "Content-Length: 005",
    "Content-Length: 5;",
    "Content-Length\xa0: 5",
  ],
  ...["Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked"],
  ...["Transfer-Encoding: chunked, gzip", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked;a"],
  ...[
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:",
    "Transfer_Encoding: chunked",
  ],
  ...["Transfer-Encoding: chunked, chunked", "Transfer-Encoding : chunked", 'Transfer-Encoding: "chunked"'],
  ...[
    "Connection: close",
    "Connection: keep-alive",
    "Connection: upgrade",
    "Upgrade: h2c",
    "Host: b",
    "Host:",
  ],
  ...[
    "Expect: 100-continue",
    "Expect: x",
    "Trailer: Content-Length",
    "Content-Length: 3\r\nContent-Length: 3",
  ],
] as const;

type Flaw = (random: Random, drafted: Draft) => void;

function insert(random: Random, lines: string[], line: string): void {
  lines.splice(random.below(lines.length + 1), 0, line);
}

function change(random: Random, lines: string[], how: (line: string) => string): void {
  const at = random.below(lines.length);
  const line = lines[at];
  if (line !== undefined) lines[at] = how(line);
}

function written({ start, fields, body }: Draft): string {
  return [start, ...fields, "", body].join("\r\n");
}
