import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { refusal, requestHead, responseHead } from "../../src/transport/http-writer.ts";
import { answers, exampleHost, lines, requests } from "./examples.ts";

for (const { name, header, body, wire, length = wire.length } of requests) {
  test(`a request is written as go-micro does: ${name}`, () => {
    assert.equal(requestHead(exampleHost, header, body.length) + body, wire);
    assert.equal(wire.length, length);
  });
}

for (const { name, header, body, wire, length = wire.length } of answers) {
  test(`an answer is written as go-micro does: ${name}`, () => {
    assert.equal(responseHead(header, body.length) + body, wire);
    assert.equal(wire.length, length);
  });
}

test("names become canonical and are sorted by their bytes", () => {
  assert.equal(
    responseHead({ "x-b": "2", "Micro-ID": "1", "X-A": "3", _x: "4", "X-B-C": "5" }, 1),
    lines(
      "HTTP/1.1 200 OK",
      "Content-Length: 1",
      "Micro-Id: 1",
      "X-A: 3",
      "X-B: 2",
      "X-B-C: 5",
      "_x: 4",
      "",
      "",
    ),
  );
});

test("a value that is no text brings no line of its own", () => {
  const bytes = [...Buffer.from("1\r\nMicro-Endpoint: Admin.Drop\r\n")];
  for (const value of [["\u00a049", ...bytes], { toString: () => "1\r\nX-B: 2" }]) {
    let head = "";
    try {
      head = responseHead({ "X-A": value as unknown as string }, 0);
    } catch (thrown) {
      assert.ok(MicroError.is(thrown));
    }
    assert.doesNotMatch(head, /^(Micro-Endpoint|X-B)/m);
  }
});

test("a message may name its own User-Agent, or none", () => {
  const withAgent = (agent: string) => requestHead("a:1", { "User-Agent": agent, "X-A": "1" }, 1);
  const end = ["Content-Length: 1", "X-A: 1", "", ""];
  assert.equal(withAgent("mine"), lines("POST / HTTP/1.1", "Host: a:1", "User-Agent: mine", ...end));
  assert.equal(withAgent(""), lines("POST / HTTP/1.1", "Host: a:1", ...end));
});

test("values are written as UTF-8, one character per byte", () => {
  const head = responseHead({ "X-City": "Zürich 東京" }, 0);
  assert.ok(head.includes(Buffer.from("Zürich 東京").toString("latin1")));
  assert.ok(Buffer.from(head, "latin1").toString("utf8").includes("X-City: Zürich 東京\r\n"));
});

test("nothing in a value ends its line", () => {
  assert.equal(
    responseHead({ "X-A": "\t a\r\nb\nc\rd\u0000e\u007f " }, 0),
    lines("HTTP/1.1 200 OK", "X-A: a  b c d e", "Content-Length: 0", "", ""),
  );
});

test("a name that is no token is refused, whether it is the first or not", () => {
  for (const name of ["", "a b", "a:b", "a\r\nb", "naïve", "(x)"]) {
    for (const write of [
      responseHead,
      (header: Record<string, string>, n: number) => requestHead("a:1", header, n),
    ]) {
      assert.throws(
        () => write({ "X-Before": "1", [name]: "1" }, 0),
        (error) => MicroError.is(error) && error.code === 400 && error.reason === "encode-failed",
        name,
      );
    }
  }
});

test("a refusal says why and ends the connection", () => {
  assert.equal(
    refusal("400 Bad Request", "no Höst"),
    lines(
      "HTTP/1.1 400 Bad Request",
      "Connection: close",
      "Content-Length: 9",
      "Content-Type: text/plain; charset=utf-8",
      "",
      Buffer.from("no Höst\n").toString("latin1"),
    ),
  );
});
