import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "ts-micro";
import { parseServerAddress } from "../src/server-address.ts";

const local = { host: "127.0.0.1", port: 6379, hostPort: "127.0.0.1:6379", secure: false };

for (const [text, wanted] of [
  ["127.0.0.1", local],
  [" 127.0.0.1:6379 ", local],
  ["redis://127.0.0.1/", local],
  ["redis://127.0.0.1/3", { ...local, redisDatabase: 3 }],
  ["127.0.0.1:7000/3", { ...local, port: 7000, hostPort: "127.0.0.1:7000", redisDatabase: 3 }],
  ["rediss://127.0.0.1", { ...local, secure: true }],
  ["REDISS://127.0.0.1", { ...local, secure: true }],
  ["joe:pa%40ss@127.0.0.1", { ...local, user: "joe", password: "pa@ss" }],
  ["redis://:pass@127.0.0.1", { ...local, password: "pass" }],
  ["redis://joe@127.0.0.1", { ...local, user: "joe" }],
  ["[::1]:7000", { host: "::1", port: 7000, hostPort: "[::1]:7000", secure: false }],
] as const) {
  test(`the address ${text}`, () => {
    assert.deepEqual(parseServerAddress(text, "go.micro.test"), wanted);
  });
}

for (const [text, why] of [
  ["", /"": it is not a host and port/],
  ["http://a", /"http:\/\/a": its scheme is http:/],
  ["a:port", /it is not a host and port/],
  ["a:70000", /it is not a host and port/],
  ["redis://a/db", /its database "db" is no number/],
  ["redis://joe:s3%zzcret@a:1", /"redis:\/\/…@a:1": it is not a host and port/],
] as const) {
  test(`the address ${text || "that is empty"} is refused, without its credentials`, () => {
    assert.throws(
      () => parseServerAddress(text, "go.micro.test"),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown) && thrown.code === 400);
        assert.match(thrown.detail, why);
        assert.match(thrown.detail, /write host:port or redis:\/\/user:password@host:port\/0/);
        assert.doesNotMatch(thrown.detail, /s3/);
        return true;
      },
    );
  });
}
