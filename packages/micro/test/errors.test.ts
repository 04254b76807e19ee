import assert from "node:assert/strict";
import { test } from "node:test";
import { badRequest, errorText, MicroError, notFound, UsageError } from "../src/errors.ts";

test("an error's text is go-micro's JSON with its order and without empty members", () => {
  const error = notFound("greeter", "no such user");
  assert.equal(errorText(error), '{"id":"greeter","code":404,"detail":"no such user","status":"Not Found"}');
  assert.equal(errorText(new MicroError({ detail: "plain" })), "plain");
});

test("parsing keeps what go-micro wrote and takes any other text as detail", () => {
  const back = MicroError.parse(errorText(badRequest("a", "b")));
  assert.deepEqual([back.id, back.code, back.detail, back.status], ["a", 400, "b", "Bad Request"]);
  for (const text of ["rpc: can't find service X", "{broken", ""]) {
    const plain = MicroError.parse(text);
    assert.deepEqual([plain.id, plain.code, plain.detail, plain.status], ["", 0, text, ""]);
  }
});

test("a percent sign in a detail stays (go-micro v2 formats it)", () => {
  assert.equal(badRequest("a", "100%d").detail, "100%d");
});

test("errors of another copy of the package are recognised by their brand", () => {
  const foreign = Object.assign(new Error("x"), { [Symbol.for("ts-micro.MicroError.v1")]: true });
  assert.ok(MicroError.is(foreign));
  assert.ok(!MicroError.is(new Error("x")));
  assert.ok(UsageError.is(new UsageError("bad flag")));
});

test("from keeps the thrown value as cause", () => {
  const thrown = new Error("boom");
  const error = MicroError.from(thrown);
  assert.equal(error.detail, "boom");
  assert.equal(error.cause, thrown);
  assert.equal(MicroError.from(error), error);
});
