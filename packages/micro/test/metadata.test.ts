import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalKey, getMetadata, isToken, newMetadata } from "../src/metadata.ts";

test("keys take Go's canonical form, and what is no header name stays as it is", () => {
  for (const [key, canonical] of [
    ["micro-trace-id", "Micro-Trace-Id"],
    ["Micro-ID", "Micro-Id"],
    ["X-REQUEST-id", "X-Request-Id"],
    ["x--y", "X--Y"],
    ["a_b", "A_b"],
    ["grüße", "grüße"],
    ["a b", "a b"],
    ["", ""],
  ] as const) {
    assert.equal(canonicalKey(key), canonical);
    assert.equal(canonicalKey(key), canonical, "the second time too");
  }
});

test("look-ups ignore case, whoever wrote the key", () => {
  const metadata = newMetadata({ "x-user": "ada", Empty: "" });
  assert.deepEqual(Object.keys(metadata), ["X-User", "Empty"]);
  for (const key of ["X-User", "x-user", "X-USER"]) assert.equal(getMetadata(metadata, key), "ada");
  assert.equal(getMetadata(metadata, "empty"), "");
  assert.equal(getMetadata(metadata, "user"), undefined);
  // Another transport may have kept the sender's spelling.
  assert.equal(getMetadata({ "Micro-ID": "7" }, "micro-id"), "7");
});

test("a key that every object has is only a key", () => {
  const metadata = newMetadata();
  assert.equal(getMetadata(metadata, "constructor"), undefined);
  assert.equal(getMetadata(metadata, "__proto__"), undefined);
  const filled = newMetadata([["__proto__", "x"]]);
  assert.deepEqual(Object.entries(filled), [["__proto__", "x"]]);
});

test("the map is a copy, and a later key wins over an earlier one of another case", () => {
  const own = { A: "1" };
  const copy = newMetadata(own);
  copy.A = "2";
  assert.equal(own.A, "1");
  assert.deepEqual(
    {
      ...newMetadata([
        ["x-a", "1"],
        ["X-A", "2"],
      ]),
    },
    { "X-A": "2" },
  );
});

test("a token is what HTTP allows as a name", () => {
  for (const name of ["a", "A-b_c.1", "!#$%&'*+^`|~"]) assert.ok(isToken(name), name);
  for (const name of ["", "a b", "a:b", "ä", "a\n", "a/b", "(a)"]) assert.ok(!isToken(name), name);
});
