import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { advertisedHost, joinAddress, parseAddress, parseListenAddress } from "../src/address.ts";
import { MicroError } from "../src/errors.ts";

test("addresses are split and joined as Go writes them", () => {
  for (const [text, host, port] of [
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["localhost:0", "localhost", 0],
    [":9090", "", 9090],
    ["[::1]:80", "::1", 80],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
  ] as const) {
    assert.deepEqual(parseAddress(text), { host, port });
    assert.equal(joinAddress(host, port), text);
  }
  assert.deepEqual(parseAddress("example.org"), { host: "example.org", port: undefined });
  assert.deepEqual(parseAddress("::1"), { host: "::1", port: undefined });
  assert.deepEqual(parseAddress("[::1]"), { host: "::1", port: undefined });
  assert.equal(joinAddress("example.org"), "example.org");
});

test("a range of ports is an address to listen on", () => {
  assert.deepEqual(parseListenAddress("127.0.0.1:8000-8010"), {
    host: "127.0.0.1",
    minPort: 8000,
    maxPort: 8010,
  });
  assert.deepEqual(parseListenAddress(":0"), { host: "", minPort: 0, maxPort: 0 });
  assert.deepEqual(parseListenAddress("[::1]"), { host: "::1", minPort: 0, maxPort: 0 });
});

test("a malformed address is named in the error", () => {
  for (const text of [
    "a:b",
    "a:",
    "a:65536",
    "a:-1",
    "a:1:2",
    "[zz]:1",
    "a b:1",
    "a/b:1",
    "a\r\n:1",
    "[::1]x:1",
  ]) {
    for (const parse of [parseAddress, parseListenAddress]) {
      assert.throws(
        () => parse(text),
        (error) => MicroError.is(error) && error.code === 400 && error.detail.includes(text),
        text,
      );
    }
  }
  for (const text of ["a:9-8", "a:0-5", "a:1-2-3", "a:1-", "a:-2"]) {
    assert.throws(() => parseListenAddress(text), MicroError, text);
  }
});

function networkInterface(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask: "", mac: "", internal, cidr: null };
  return address.includes(":") ? { ...common, family: "IPv6", scopeid: 0 } : { ...common, family: "IPv4" };
}

test("a wildcard host is replaced by one that others reach", () => {
  const loopback = [networkInterface("127.0.0.1", true), networkInterface("::1", true)];
  const cases: [string, string[], string][] = [
    ["10.1.2.3", ["192.168.0.7"], "10.1.2.3"],
    ["greeter.local", ["192.168.0.7"], "greeter.local"],
    ["", ["93.184.216.34", "192.168.0.7", "10.0.0.1"], "192.168.0.7"],
    ["::", ["100.64.3.4"], "100.64.3.4"],
    ["[::]", ["fd12::1", "10.0.0.1"], "fd12::1"],
    ["0.0.0.0", ["fd12::1", "172.16.9.9"], "172.16.9.9"],
    ["", ["203.0.113.5", "198.51.100.7", "fe80::1"], "198.51.100.7"],
    ["0.0.0.0", ["2001:db8::1"], "127.0.0.1"],
    ["", [], "127.0.0.1"],
  ];
  for (const [host, addresses, expected] of cases) {
    const interfaces = { lo: loopback, eth0: addresses.map((address) => networkInterface(address)) };
    assert.equal(advertisedHost(host, interfaces), expected, `${host} of ${addresses}`);
  }
});
