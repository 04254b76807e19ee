import assert from "node:assert/strict";
import { test } from "node:test";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { MicroError } from "ts-micro";
import { parseServerAddress } from "../src/server-address.ts";

test("addresses are read with scheme, credentials, port and virtual host, or without", () => {
  for (const [text, wanted] of [
    ["10.0.0.5", { host: "10.0.0.5", port: 5672, hostPort: "10.0.0.5:5672", secure: false }],
    [" rabbit-1:5673 ", { host: "rabbit-1", port: 5673, hostPort: "rabbit-1:5673", secure: false }],
    ["amqp://rabbit-1/", { host: "rabbit-1", port: 5672, hostPort: "rabbit-1:5672", secure: false }],
    ["AMQPS://rabbit-1", { host: "rabbit-1", port: 5671, hostPort: "rabbit-1:5671", secure: true }],
    ["[::1]:5000", { host: "::1", port: 5000, hostPort: "[::1]:5000", secure: false }],
    [
      "amqp://joe:p%40ss%3A@rabbit-1:1/shop%2Ftest",
      {
        host: "rabbit-1",
        port: 1,
        hostPort: "rabbit-1:1",
        secure: false,
        user: "joe",
        password: "p@ss:",
        vhost: "shop/test",
      },
    ],
    [
      "joe:secret@rabbit-1",
      {
        host: "rabbit-1",
        port: 5672,
        hostPort: "rabbit-1:5672",
        secure: false,
        user: "joe",
        password: "secret",
      },
    ],
  ] as const) {
    assert.deepEqual(parseServerAddress(text, false), wanted, text);
  }
  assert.deepEqual(parseServerAddress("rabbit-1", true), {
    host: "rabbit-1",
    port: 5671,
    hostPort: "rabbit-1:5671",
    secure: true,
  });
});

test("an address that is none is refused without its credentials", () => {
  for (const text of [
    "nats://joe:s3cret@rabbit-1",
    "amqp://joe:s3cret@rabbit-1:x",
    "amqp://joe:s3cret@",
    "joe:s3cret%zz@rabbit-1",
    "amqp://joe:s3c/ret@rabbit-1",
    "amqp://rabbit-1/a/b",
    "",
  ]) {
    assert.throws(
      () => newBroker({ addresses: [text] }),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, 400);
        assert.match(thrown.detail, /^RabbitMQ address ".*": .*; write host:port/);
        assert.doesNotMatch(`${thrown.stack}`, /s3c/);
        return true;
      },
      text,
    );
  }
});
