import assert from "node:assert/strict";
import { test } from "node:test";
import { newRegistry } from "../src/index.ts";
import { settingsOf } from "../src/options.ts";

test("addresses are hosts, with or without port, or URLs", () => {
  const addressesOf = (...addresses: string[]) =>
    settingsOf({ addresses }).endpoints.map(({ address }) => address);
  assert.deepEqual(addressesOf(), ["127.0.0.1:2379"]);
  assert.deepEqual(addressesOf("a", "b:80", "[::1]", "http://c", "https://d:443/"), [
    "a:2379",
    "b:80",
    "[::1]:2379",
    "c:2379",
    "d:443",
  ]);
  const tls = settingsOf({ addresses: ["a", "https://b"] }).endpoints.map((endpoint) => endpoint.tls);
  assert.deepEqual(tls, [undefined, {}]);
});

test("credentials of an address win over options", () => {
  const options = { user: "option", password: "x" };
  assert.deepEqual(settingsOf(options).credentials, { name: "option", password: "x" });
  assert.deepEqual(settingsOf({ ...options, addresses: ["a", "u%40:p%3A@b"] }).credentials, {
    name: "u@",
    password: "p:",
  });
  assert.equal(settingsOf({ user: "" }).credentials, undefined);
});

for (const address of [
  "",
  "http://",
  "a:b",
  "a:99999",
  "a/path",
  "https://u:s3cret@",
  "u:s3cret@a:b",
  "u:s3cret%@a",
]) {
  test(`the address "${address}" is refused, and no password shown`, () => {
    assert.throws(
      () => newRegistry({ addresses: [address] }),
      (error: Error) =>
        /etcd address ".*" is not an address; write host:port/.test(error.message) &&
        !error.message.includes("s3cret"),
    );
  });
}

test("a file that isn't there is named", () => {
  assert.throws(() => newRegistry({ tlsCaFile: "/no/such/ca.pem" }), /tlsCaFile.*\/no\/such\/ca\.pem/);
});
