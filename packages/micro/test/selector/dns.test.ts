import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, test } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newDnsSelector } from "../../src/selector/dns.ts";
import { filterProtocol, filterVersion } from "../../src/selector/filters.ts";
import type { Selector } from "../../src/selector/selector.ts";

const logger = newLogger({ write: () => {} });
const zone = new Map<string, Answer[]>();
const server = createSocket("udp4");
let failing = false;
let asked = 0;

server.on("message", (bytes, { port, address }) => {
  const { id = 0, questions = [] } = decode(bytes);
  const [question] = questions;
  if (question === undefined) return;
  asked++;
  const answers = (zone.get(question.name) ?? []).filter(({ type }) => type === question.type);
  // The response codes SERVFAIL and NXDOMAIN.
  const code = failing ? 2 : zone.has(question.name) ? 0 : 3;
  server.send(encode({ type: "response", id, flags: code, questions, answers }), port, address);
});
server.bind(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());

function dns(options: { ttlMs?: number; domain?: string } = {}): Selector {
  return newDnsSelector({ addresses: [`127.0.0.1:${server.address().port}`], logger, ...options });
}

function srv(name: string, target: string, port: number, priority = 1): void {
  const data = { target, port, priority, weight: 1 };
  zone.set(name, [...(zone.get(name) ?? []), { type: "SRV", name, class: "IN", ttl: 0, data }]);
}

async function addressesOf(selector: Selector, service: string, count: number): Promise<string[]> {
  const next = await selector.select(service);
  return Array.from({ length: count }, () => next().address).sort();
}

test("a host and port is looked up as addresses, IPv4 and IPv6", async () => {
  zone.set("greeter.example", [
    { type: "A", name: "greeter.example", class: "IN", ttl: 0, data: "10.1.1.1" },
    { type: "A", name: "greeter.example", class: "IN", ttl: 0, data: "10.1.1.2" },
    { type: "AAAA", name: "greeter.example", class: "IN", ttl: 0, data: "fd00::7" },
  ]);
  const found = await addressesOf(dns(), "greeter.example:8080", 3);
  assert.deepEqual(found, ["10.1.1.1:8080", "10.1.1.2:8080", "[fd00::7]:8080"]);
});

test("an address needs no look-up", async () => {
  const before = asked;
  assert.deepEqual(await addressesOf(dns(), "10.9.9.9:1", 1), ["10.9.9.9:1"]);
  assert.deepEqual(await addressesOf(dns(), "[::1]:1", 1), ["[::1]:1"]);
  assert.equal(asked, before);
});

test("another name is looked up as SRV records below the domain, the first priority counts", async () => {
  srv("_greeter._tcp.local", "one.local", 1001);
  srv("_greeter._tcp.local", "two.local", 1002);
  srv("_greeter._tcp.local", "backup.local", 1003, 2);
  srv("_greeter._tcp.svc.example", "three.svc.example", 1004);
  assert.deepEqual(await addressesOf(dns(), "greeter", 2), ["one.local:1001", "two.local:1002"]);
  assert.deepEqual(await addressesOf(dns({ domain: "svc.example" }), "greeter", 1), [
    "three.svc.example:1004",
  ]);
});

test("the machine's own resolver knows the hosts file", async () => {
  const found = await addressesOf(newDnsSelector({ logger }), "localhost:80", 1);
  assert.match(found[0] ?? "", /^(127\.0\.0\.1|\[::1\]):80$/);
});

test("a name that isn't there is go-micro's error, filters count", async () => {
  const reason = (wanted: string, detail: RegExp) => (error: unknown) => {
    assert.ok(MicroError.is(error) && error.reason === wanted);
    assert.match(error.detail, detail);
    return true;
  };
  const select = async (...args: Parameters<Selector["select"]>) => dns().select(...args);
  await assert.rejects(select("nobody"), reason("service-not-found", /^service nobody: not found$/));
  await assert.rejects(select("nobody.example:1"), reason("service-not-found", /not found$/));
  srv("_any._tcp.local", "any.local", 1);
  await select("any", { filters: [filterProtocol(["grpc"])] });
  await assert.rejects(
    select("any", { filters: [filterVersion("1")] }),
    reason("no-node-available", /none available/),
  );
});

test("answers count for a while, and the last one as long as DNS fails", async () => {
  srv("_cached._tcp.local", "cached.local", 1);
  const long = dns({ ttlMs: 60_000 });
  const before = asked;
  for (let round = 0; round < 10; round++) await addressesOf(long, "cached", 1);
  assert.equal(asked, before + 1);

  const short = dns({ ttlMs: 1 });
  await addressesOf(short, "cached", 1);
  failing = true;
  try {
    await assert.rejects(addressesOf(dns(), "cached", 1), /error selecting cached node/);
    const until = asked + 3;
    while (asked < until) {
      assert.deepEqual(await addressesOf(short, "cached", 1), ["cached.local:1"]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    failing = false;
  }
});

test("closing ends the questions that are under way", async () => {
  const mute = createSocket("udp4").bind(0, "127.0.0.1");
  await once(mute, "listening");
  const selector = newDnsSelector({
    addresses: [`127.0.0.1:${mute.address().port}`],
    logger,
    timeoutMs: 600_000,
  });
  const selecting = assert.rejects(async () => selector.select("greeter"), /error selecting greeter node/);
  await once(mute, "message");
  await selector.close();
  await selecting;
  mute.close();
});
