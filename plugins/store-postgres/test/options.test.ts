import assert from "node:assert/strict";
import { test } from "node:test";
import { newStore } from "@ts-micro/store-postgres";
import { settingsOf } from "../src/options.ts";
import { parseServerAddress } from "../src/server-address.ts";
import { behind } from "../src/statements.ts";

test("addresses are read in all their forms", () => {
  const local = { host: "10.0.0.5", port: 5432, hostPort: "10.0.0.5:5432" };
  for (const [text, expected] of [
    ["10.0.0.5", local],
    [" 10.0.0.5:6543 ", { ...local, port: 6543, hostPort: "10.0.0.5:6543" }],
    ["[::1]:1", { host: "::1", port: 1, hostPort: "[::1]:1" }],
    ["postgres://10.0.0.5", local],
    ["postgresql://u:p%40@10.0.0.5/d%20b", { ...local, user: "u", password: "p@", postgresDatabase: "d b" }],
    ["postgres://u@10.0.0.5?sslmode=disable", { ...local, user: "u", secure: false }],
    ["postgres://10.0.0.5/?sslmode=verify-full", { ...local, secure: true }],
  ] as const) {
    assert.deepEqual(parseServerAddress(text), expected, text);
  }
});

test("what is no address or option is refused by name, without its password", () => {
  for (const [addresses, message] of [
    [["mysql://u:s3cret@h"], /its scheme is mysql:/],
    [["postgres://u:s3cret@"], /not a host and port/],
    [["postgres://u:s3cret%@h"], /not a host and port/],
    [["postgres://h/db?ssl=on&password=s3cret"], /only sslmode is known, not ssl, password/],
  ] as const) {
    assert.throws(
      () => newStore({ addresses }),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      },
    );
  }
  assert.throws(() => newStore({ poolSize: 0 }), /poolSize must be/);
  assert.throws(() => newStore({ timeoutMs: 0 }), /timeoutMs must be/);
  assert.throws(() => newStore({ tlsCaFile: "/nowhere/ca.pem" }), /tlsCaFile can't be read: ENOENT/);
});

test("an address wins over the options, and nothing is left to the library's variables but the password", () => {
  const options = { addresses: ["postgres://u:p@h/d", "other"], user: "me", password: "mine" };
  const configs = settingsOf(options).servers.map(({ config }) => config);
  assert.deepEqual(
    configs.map(({ host, port, user, password, database, ssl }) => [
      host,
      port,
      user,
      password,
      database,
      ssl,
    ]),
    [
      ["h", 5432, "u", "p", "d", false],
      ["other", 5432, "me", "mine", "me", false],
    ],
  );
  const [config] = settingsOf({}).servers.map(({ config }) => config);
  assert.deepEqual([config?.host, config?.user, config?.database], ["127.0.0.1", "postgres", "postgres"]);
});

test("the end of a prefix's range is the next text that doesn't begin with it", () => {
  for (const [prefix, end] of [
    ["", undefined],
    ["a", "b"],
    ["az", "a{"],
    ["ж", "з"],
    ["\ud7ff", "\ue000"],
    ["a\u{10ffff}", "b"],
    ["\u{10ffff}\u{10ffff}", undefined],
    ["\uffff", "\u{10000}"],
  ] as const) {
    assert.equal(behind(prefix), end);
  }
});
