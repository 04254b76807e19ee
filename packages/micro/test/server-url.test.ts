import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError, parseServerUrl } from "ts-micro";

const form = {
  engine: "Engine",
  errorId: "go.micro.test",
  schemes: ["engine", "engines"],
  port: (scheme: string) => (scheme === "engines" ? 2 : 1),
  example: "engine://user:password@host:port/part",
} as const;

test("a server's address is a host, a host and a port, or a URL with all of them", () => {
  const nothing = { scheme: "engine", path: "" };
  for (const [text, wanted] of [
    [" 10.0.0.5 ", { ...nothing, host: "10.0.0.5", port: 1, hostPort: "10.0.0.5:1" }],
    ["one:700/", { ...nothing, host: "one", port: 700, hostPort: "one:700" }],
    ["[::1]", { ...nothing, host: "::1", port: 1, hostPort: "[::1]:1" }],
    [
      "ENGINES://joe:p%40ss%3A@one/a%2Fb?c=d",
      {
        scheme: "engines",
        host: "one",
        port: 2,
        hostPort: "one:2",
        user: "joe",
        password: "p@ss:",
        path: "a/b",
      },
    ],
    ["t0ken@one", { ...nothing, host: "one", port: 1, hostPort: "one:1", user: "t0ken" }],
  ] as const) {
    const { parameters, malformed, ...read } = parseServerUrl(text, form);
    assert.deepEqual(read, wanted, text);
    assert.equal(String(parameters), text.includes("?") ? "c=d" : "");
    assert.equal(malformed("why").code, 400);
  }
});

test("an address that is none is refused without its credentials", () => {
  for (const [text, why] of [
    ["other://joe:s3cret@one", "its scheme is other:"],
    ["engine://joe:s3cret@one:x", "it is not a host and port"],
    ["engine://joe:s3cret@", "it is not a host and port"],
    ["joe:s3cret%zz@one", "it is not a host and port"],
    ["joe:s3cret@one/%zz", "it is not a host and port"],
    ["engine://joe:s3c/ret@one", "it is not a host and port"],
    ["one/a/b", "its path has several parts"],
    ["one:70000", "it is not a host and port"],
    ["one:x?password=s3cret", "it is not a host and port"],
    ["", "it is not a host and port"],
  ] as const) {
    assert.throws(
      () => parseServerUrl(text, form),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.deepEqual([thrown.id, thrown.code], ["go.micro.test", 400]);
        assert.match(thrown.detail, /^Engine address ".*": .*; write host:port or engine:\/\/user:/);
        assert.ok(thrown.detail.includes(`: ${why};`), thrown.detail);
        assert.doesNotMatch(`${thrown.stack}`, /s3c/);
        return true;
      },
      text,
    );
  }
});
