import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { cases, casesNamed } from "../src/cases.ts";
import { pageOf } from "../src/page.ts";
import { readResults } from "../src/results.ts";

test("the page and its charts are what the results say", () => {
  const files = pageOf(readResults(Object.keys(cases)));
  assert.ok(Object.keys(files).length > 1);
  for (const [path, text] of Object.entries(files)) {
    assert.equal(readFileSync(new URL(`../../../docs/${path}`, import.meta.url), "utf8"), text, path);
  }
});

test("a case is chosen by its name or the name's beginning", () => {
  assert.deepEqual(casesNamed(["rpc/small"], false), ["rpc/small"]);
  assert.deepEqual(casesNamed(["grpc"], false), ["grpc/small", "grpc/streams"]);
  assert.deepEqual(casesNamed([], true), Object.keys(cases));
  assert.ok(!casesNamed([], false).includes("grpc/streams"));
  assert.throws(() => casesNamed(["rpc/smal"], false), /no case rpc\/smal; there are rpc\/small, /);
});
