import assert from "node:assert/strict";
import { test } from "node:test";
import { newRegistry } from "../src/index.ts";
import { settingsOf } from "../src/options.ts";

test("addresses are hosts, with or without port, or URLs", () => {
  const addressesOf = (...addresses: string[]) =>
    settingsOf({ addresses }).agents.map(({ address }) => address);
  assert.deepEqual(addressesOf(), ["127.0.0.1:8500"]);
  assert.deepEqual(addressesOf("a", "b:80", "[::1]", "http://c", "https://d:443/"), [
    "a:8500",
    "b:80",
    "[::1]:8500",
    "c:8500",
    "d:443",
  ]);
  const tls = settingsOf({ addresses: ["a", "https://b"] }).agents.map((agent) => agent.tls);
  assert.deepEqual(tls, [undefined, {}]);
});

test("Consul's own variable counts where no address is given", () => {
  const agentAddress = "https://agent:8501";
  assert.deepEqual(settingsOf({ agentAddress }).agents, [{ address: "agent:8501", tls: {} }]);
  assert.deepEqual(settingsOf({ agentAddress, addresses: ["a"] }).agents, [
    { address: "a:8500", tls: undefined },
  ]);
});

for (const address of [
  "",
  "http://",
  "a:b",
  "a:99999",
  "a/path",
  "unix:///run/consul.sock",
  "https://:s3cret@a",
  "u:s3cret@a:b",
  "a?token=s3cret",
]) {
  test(`the address "${address}" is refused, and no secret shown`, () => {
    assert.throws(
      () => newRegistry({ addresses: [address] }),
      (error: Error) =>
        /consul address ".*" is not an address; write host:port/.test(error.message) &&
        !error.message.includes("s3cret"),
    );
  });
}

test("a file that isn't there is named", () => {
  assert.throws(() => newRegistry({ tlsCaFile: "/no/such/ca.pem" }), /consul tlsCaFile.*\/no\/such\/ca\.pem/);
  assert.throws(() => newRegistry({ tokenFile: "/no/such/token" }), /consul tokenFile.*\/no\/such\/token/);
});
