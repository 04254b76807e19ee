import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "ts-micro";
import { parseServerAddress } from "../src/server-address.ts";

test("addresses are read with scheme, credentials and port, or without", () => {
  for (const [text, wanted] of [
    ["10.0.0.5", { host: "10.0.0.5", hostPort: "10.0.0.5:4222", secure: false }],
    [" nats-1:4223 ", { host: "nats-1", hostPort: "nats-1:4223", secure: false }],
    ["nats://nats-1/", { host: "nats-1", hostPort: "nats-1:4222", secure: false }],
    ["TLS://nats-1", { host: "nats-1", hostPort: "nats-1:4222", secure: true }],
    ["[::1]:5000", { host: "::1", hostPort: "[::1]:5000", secure: false }],
    [
      "nats://joe:p%40ss%3A@nats-1:1",
      { host: "nats-1", hostPort: "nats-1:1", secure: false, user: "joe", password: "p@ss:" },
    ],
    [
      "joe:secret@nats-1",
      { host: "nats-1", hostPort: "nats-1:4222", secure: false, user: "joe", password: "secret" },
    ],
    ["nats://t0ken@nats-1", { host: "nats-1", hostPort: "nats-1:4222", secure: false, token: "t0ken" }],
  ] as const) {
    assert.deepEqual(parseServerAddress(text, "test"), wanted, text);
  }
});

test("an address that is none is refused without its credentials", () => {
  for (const text of [
    "amqp://joe:s3cret@nats-1",
    "nats://joe:s3cret@nats-1:x",
    "nats://joe:s3cret@",
    "joe:s3cret%zz@nats-1",
    "nats://joe:s3c/ret@nats-1",
    "nats://nats-1/path",
    "",
  ]) {
    assert.throws(
      () => parseServerAddress(text, "test"),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.deepEqual([thrown.id, thrown.code], ["test", 400]);
        assert.match(thrown.detail, /^NATS address ".*": .*; write host:port/);
        assert.doesNotMatch(`${thrown.stack}`, /s3c/);
        return true;
      },
      text,
    );
  }
});
