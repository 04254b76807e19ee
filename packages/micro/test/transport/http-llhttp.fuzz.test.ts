/** Side by side with Node's own strict parser, so that no proxy that reads as it does sees other messages than we do. */
import assert from "node:assert/strict";
import { fuzzTest } from "@ts-micro/fuzz";
import { type Kind, stream } from "./http-grammar.ts";
import { type LlhttpParsed, llhttpRequests, llhttpResponse } from "./llhttp.ts";
import { type Parsed, parsed } from "./parsed.ts";

const limits = { maxHeadBytes: 1 << 20, maxBodyBytes: 1 << 20 };

/** What llhttp doesn't read and we do: nothing here depends on the method or the target, and nobody takes an upgrade up. */
const lessStrict = /^(HPE_INVALID_(METHOD|URL)|UPGRADE)$/;

/** What we refuse and llhttp lets pass; docs/decisions/0210-http-strictness.md says why. */
const moreStrict = [
  /^only HTTP\/1\.1 is spoken here/,
  /^malformed HTTP response "HTTP\/(0\.9|2\.0) /,
  /^malformed HTTP response "HTTP\/1\.[01] [06-9]\d\d\b/,
  /^no Host$/,
  /^Transfer-Encoding in HTTP\/1\.0$/,
  /^more than one (Host|Transfer-Encoding)$/,
  /^more than 256 header fields$/,
  /^unknown (Transfer-Encoding|expectation)$/,
  // More than eight digits, leading zeros included, and extensions without a value.
  /^malformed chunk size$/,
  // Line ends before the start line.
  /^malformed (request line|HTTP response "")$/,
  /^control character or bare line end in the head$/,
  /^Content-Length or Transfer-Encoding in a trailer$/,
];

/** A TAB behind a Content-Length is white space that belongs there (RFC 9110 §5.5). llhttp knows only the space. */
const tabAfterLength = /content-length:[ \t]*\d+ *\t/i;

fuzzTest(
  "requests are the same to llhttp, and what it refuses is refused",
  { rounds: 2_000 },
  async (random) => {
    const bytes = stream(random, "request");
    compare("request", bytes, parsed("request", [bytes], limits, true), await llhttpRequests(bytes));
  },
);

fuzzTest(
  "answers are the same to llhttp, and what it refuses is refused",
  { rounds: 2_000 },
  async (random) => {
    const bytes = stream(random, "response");
    const ours = parsed("response", [bytes], limits, true);
    // Node's client reads one answer to one request.
    compare("response", bytes, { ...ours, messages: ours.messages.slice(0, 1) }, await llhttpResponse(bytes));
  },
);

function compare(kind: Kind, bytes: Buffer, ours: Parsed, theirs: LlhttpParsed): void {
  const shown = JSON.stringify(bytes.toString("latin1").slice(0, 1_000));
  const common = Math.min(ours.messages.length, theirs.messages.length);
  const key = ({ method, status, body }: LlhttpParsed["messages"][number]) =>
    kind === "request" ? { method, body } : { status, body };
  assert.deepEqual(ours.messages.slice(0, common).map(key), theirs.messages.slice(0, common).map(key), shown);
  const isTab =
    theirs.refused === "HPE_INVALID_CONTENT_LENGTH" && tabAfterLength.test(bytes.toString("latin1"));
  if (ours.messages.length > common && !lessStrict.test(theirs.refused ?? "") && !isTab) {
    assert.fail(`${shown}: llhttp refused message ${common} (${theirs.refused}), we did not`);
  }
  if (theirs.messages.length > common && !moreStrict.some((reason) => reason.test(ours.refused ?? ""))) {
    assert.fail(`${shown}: we refused message ${common} (${ours.refused}), llhttp did not`);
  }
}
