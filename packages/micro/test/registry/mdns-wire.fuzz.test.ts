/** Anybody on the network can send a datagram to the mDNS registry. */
import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { fuzzTest, mutated, type Random } from "@ts-micro/fuzz";
import { answersTo } from "../../src/registry/mdns-responder.ts";
import {
  catalogEntriesIn,
  decodePacket,
  encodeAnnouncement,
  encodeQuery,
  encodeText,
  type Instance,
  recordOf,
  sightingsIn,
} from "../../src/registry/mdns-wire.ts";

const domain = "micro";
const service = {
  name: "greeter",
  version: "1.0.0",
  metadata: {},
  endpoints: [{ name: "Say.Hello", request: null, response: null, metadata: { stream: "false" } }],
  nodes: [{ id: "greeter-1", address: "10.0.0.1:10001", metadata: { protocol: "mucp" } }],
};
const instance: Instance = {
  name: "greeter-1.greeter.micro",
  hostname: "box1",
  host: "10.0.0.1",
  port: 10_001,
  text: encodeText(service),
};
const zone = new Map([["greeter", [instance]]]);

fuzzTest(
  "a datagram of a stranger never throws, and is never more than it says",
  { rounds: 5_000 },
  (random) => {
    const packet = decodePacket(datagram(random));
    if (packet === undefined) return;
    catalogEntriesIn(packet, domain);
    for (const answer of answersTo(packet, zone, { domain, hostname: "box1" }))
      assert.ok(answer.length <= 9_000);
    for (const sighting of sightingsIn(packet)) {
      const record = recordOf(sighting, domain);
      if (record === undefined) continue;
      assert.equal(record.nodes.length, 1);
      assert.notEqual(record.name, "");
      assert.equal(typeof record.nodes[0]?.metadata, "object");
    }
  },
);

fuzzTest(
  "a text that isn't ours is no record, and one that is hostile costs little",
  { rounds: 2_000 },
  (random) => {
    const record = recordOf({ ...instance, text: [text(random)] }, domain);
    if (record === undefined) return;
    assert.equal(typeof record.version, "string");
    assert.ok(Array.isArray(record.endpoints));
  },
);

/** Inflates to more than any record may have. */
const bomb = `{"Service":"greeter","Version":"${"x".repeat(2_000_000)}"}`;

function datagram(random: Random): Buffer {
  const good = random.of([
    encodeAnnouncement(instance),
    encodeAnnouncement(instance, true),
    encodeQuery(random.below(65_536), "greeter.micro"),
    encodeQuery(0, "_services.micro"),
    ...(answersTo(decoded(encodeQuery(1, "greeter.micro")), zone, { domain, hostname: "box1" }) as [Buffer]),
  ]);
  if (random.once(8)) return random.bytes(random.length(600));
  // Compression pointers, counts, and the lengths of names and records.
  return random.once(16)
    ? good
    : mutated(random, good, ["\xc0\x0c", "\xc0\xff", "\xff\xff", "\0\0", "\x3f", "\0\x10"]);
}

function decoded(bytes: Buffer) {
  const packet = decodePacket(bytes);
  assert.ok(packet !== undefined);
  return packet;
}

function text(random: Random): Buffer {
  const json = random.of([
    '{"Service":"greeter","Version":"1","Endpoints":[{"Name":1}],"Metadata":{"a":1}}',
    '{"service":"greeter","VERSION":"1","endpoints":{},"metadata":[]}',
    `{"Service":"greeter","Version":"1","Endpoints":${"[".repeat(5_000)}`,
    ...(random.once(30) ? [bomb] : []),
    "null",
    "[]",
  ]);
  const damaged = random.once(2) ? mutated(random, Buffer.from(json)) : Buffer.from(json);
  const hex = Buffer.from(deflateSync(damaged).toString("hex"));
  return random.once(3) ? mutated(random, hex) : hex;
}
