import assert from "node:assert/strict";
import { test } from "node:test";
import { newBroker } from "@ts-micro/broker-mqtt";
import { MicroError } from "ts-micro";
import { parseServerAddress } from "../src/server-address.ts";

test("addresses are read with scheme, credentials and port, or without", () => {
  const plain = { host: "mqtt-1", secure: false };
  for (const [text, wanted] of [
    ["10.0.0.5", { host: "10.0.0.5", port: 1883, hostPort: "10.0.0.5:1883", secure: false }],
    [" mqtt-1:1884 ", { ...plain, port: 1884, hostPort: "mqtt-1:1884" }],
    ["mqtt://mqtt-1/", { ...plain, port: 1883, hostPort: "mqtt-1:1883" }],
    ["tcp://mqtt-1", { ...plain, port: 1883, hostPort: "mqtt-1:1883" }],
    ["MQTTS://mqtt-1", { host: "mqtt-1", port: 8883, hostPort: "mqtt-1:8883", secure: true }],
    ["ssl://mqtt-1:1", { host: "mqtt-1", port: 1, hostPort: "mqtt-1:1", secure: true }],
    ["[::1]:5000", { host: "::1", port: 5000, hostPort: "[::1]:5000", secure: false }],
    [
      "mqtt://joe:p%40ss%3A@mqtt-1:1",
      { ...plain, port: 1, hostPort: "mqtt-1:1", user: "joe", password: "p@ss:" },
    ],
    ["joe:secret@mqtt-1", { ...plain, port: 1883, hostPort: "mqtt-1:1883", user: "joe", password: "secret" }],
  ] as const) {
    assert.deepEqual(parseServerAddress(text, false), wanted, text);
  }
  assert.equal(parseServerAddress("mqtt-1", true).port, 8883);
});

test("an address that is none is refused without its credentials", () => {
  for (const text of [
    "nats://joe:s3cret@mqtt-1",
    "mqtt://joe:s3cret@mqtt-1:x",
    "mqtt://joe:s3cret@",
    "joe:s3cret%zz@mqtt-1",
    "mqtt://joe:s3c/ret@mqtt-1",
    "ws://mqtt-1",
    "",
  ]) {
    assert.throws(
      () => newBroker({ addresses: [text] }),
      (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, 400);
        assert.match(thrown.detail, /^MQTT address ".*": .*; write host:port/);
        assert.doesNotMatch(`${thrown.stack}`, /s3c/);
        return true;
      },
      text,
    );
  }
});
