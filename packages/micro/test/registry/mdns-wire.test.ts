import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateSync } from "node:zlib";
import { decode } from "dns-packet";
import { answersTo } from "../../src/registry/mdns-responder.ts";
import { Sightings } from "../../src/registry/mdns-sightings.ts";
import {
  decodePacket,
  encodeAnnouncement,
  encodeQuery,
  encodeText,
  type Instance,
  recordOf,
  sightingsIn,
} from "../../src/registry/mdns-wire.ts";
import type { Service } from "../../src/registry/registry.ts";

// One node of a go-micro service, and its packets.
const record: Service = {
  name: "test1",
  version: "1.0.1",
  metadata: {},
  endpoints: [],
  nodes: [{ id: "test1-1", address: "10.0.0.1:10001", metadata: { foo: "bar" } }],
};
const text =
  "789cab560a4e2d2acb4c4e55b2522a492d2e3154d2510a4b2d2acecccf038a18ea19e881445cf3520af233f34a8a95acf24a737274947c534b1253124b1295acaa95d2f2f3814a93128b946a6b01ea021956";
const instance: Instance = {
  name: "test1-1.test1.micro",
  hostname: "box1",
  host: "10.0.0.1",
  port: 10001,
  text: [Buffer.from(text)],
};
const zone = new Map([["test1", [instance]]]);
const box1 = { domain: "micro", hostname: "box1" };

const textHex = Buffer.from(text).toString("hex");
const query = "123400000001000000000000057465737431056d6963726f00000c0001";
const answer = `000084000001000400000000057465737431056d6963726f00000c0001057465737431056d6963726f00000c00010000007800150774657374312d31057465737431056d6963726f000774657374312d31057465737431056d6963726f000021000100000078000c000a0001271104626f78310004626f783100000100010000007800040a0000010774657374312d31057465737431056d6963726f00001000010000007800a5a4${textHex}`;
const goodbye = `0000800000000003000000000774657374312d31057465737431056d6963726f000021000100000000000c000a0001271104626f78310004626f783100000100010000000000040a0000010774657374312d31057465737431056d6963726f00001000010000000000a5a4${textHex}`;

function ask(bytes: Buffer): Buffer[] {
  const packet = decodePacket(bytes);
  assert.ok(packet);
  return answersTo(packet, zone, box1);
}

function question(name: string, type: string): Buffer {
  const bytes = encodeQuery(7, name);
  const types: Record<string, number> = { PTR: 12, SRV: 33, TXT: 16, A: 1, AAAA: 28, ANY: 255 };
  bytes.writeUInt16BE(types[type] ?? 0, bytes.length - 4);
  return bytes;
}

test("query, answer and goodbye are go-micro's, to the byte", () => {
  assert.equal(encodeQuery(0x1234, "test1.micro").toString("hex"), query);
  assert.deepEqual(
    ask(Buffer.from(query, "hex")).map((packet) => packet.toString("hex")),
    [answer],
  );
  assert.equal(encodeAnnouncement(instance, true).toString("hex"), goodbye);
});

test("the text is read whichever compressor and version of go-micro wrote it", () => {
  assert.deepEqual(recordOf(instance, "micro"), record);
  const ownText = encodeText(record);
  assert.match(Buffer.concat(ownText).toString(), /^789c[0-9a-f]+$/);
  assert.deepEqual(recordOf({ ...instance, text: ownText }, "micro"), record);
  // v6's order of members, and the empty stored block with which Go's compressor ends.
  const json = '{"Metadata":{"foo":"bar"},"Service":"test1","Version":"1.0.1","Endpoints":null}';
  const unfinished = deflateSync(json, { finishFlush: constants.Z_SYNC_FLUSH }).toString("hex");
  const checksum = deflateSync(json).toString("hex").slice(-8);
  const v6 = Buffer.from(`${unfinished}010000ffff${checksum}`);
  assert.deepEqual(recordOf({ ...instance, text: [v6] }, "micro"), record);
});

test("a long text is cut into strings of 255 bytes and put together again", () => {
  const endpoints = Array.from({ length: 60 }, (_, index) => ({
    name: `Type${index}.Method${index * 7919}`,
    request: null,
    response: null,
    metadata: { at: String(index * 104_729) },
  }));
  const long = { ...record, endpoints };
  const strings = encodeText(long);
  assert.ok(strings.length > 3);
  assert.ok(strings.slice(0, -1).every((string) => string.length === 255));
  assert.deepEqual(recordOf({ ...instance, text: strings }, "micro"), long);
});

test("each question gets what go-micro answers, SRV before the address", () => {
  const types = (name: string, type: string): string[][] =>
    ask(question(name, type)).map((packet) => (decode(packet).answers ?? []).map((record) => record.type));
  assert.deepEqual(types("test1.micro", "ANY"), [["PTR", "SRV", "A", "TXT"]]);
  assert.deepEqual(types("test1.micro", "SRV"), []);
  assert.deepEqual(types("test1-1.test1.micro", "ANY"), [["SRV", "A", "TXT"]]);
  assert.deepEqual(types("test1-1.test1.micro", "SRV"), [["SRV", "A"]]);
  assert.deepEqual(types("test1-1.test1.micro", "TXT"), [["TXT"]]);
  assert.deepEqual(types("test1-1.test1.micro", "A"), [["A"]]);
  assert.deepEqual(types("test1-1.test1.micro", "AAAA"), []);
  assert.deepEqual(types("test1-1.test1.micro", "PTR"), []);
  assert.deepEqual(types("box1", "A"), [["A"]]);
  assert.deepEqual(types("_services._dns-sd._udp.micro", "PTR"), [["PTR"]]);
  assert.deepEqual(types("Test1.micro", "PTR"), []);
  assert.deepEqual(types("test1.local", "PTR"), []);
});

test("the catalog's answer is complete, with an empty text, as go-micro needs it", () => {
  const [packet] = ask(question("_services.micro", "PTR"));
  assert.ok(packet);
  const { questions, answers } = decode(packet);
  assert.deepEqual(
    questions?.map(({ name }) => name),
    ["_services.micro"],
  );
  assert.deepEqual(
    answers?.map((record) => [record.name, record.type, "data" in record && record.data]),
    [
      ["_services.micro", "PTR", "test1._services.micro"],
      ["test1._services.micro", "SRV", { priority: 10, weight: 1, port: 9999, target: "box1" }],
      ["box1", "A", "0.0.0.0"],
      ["test1._services.micro", "TXT", []],
    ],
  );
});

test("one instance per packet, and the id only when a unicast answer was asked for", () => {
  const second = { ...instance, name: "test1-2.test1.micro", host: "fd00::2" };
  const packet = decodePacket(Buffer.from(query, "hex"));
  assert.ok(packet);
  const answers = answersTo(packet, new Map([["test1", [instance, second]]]), box1).map((bytes) =>
    decode(bytes),
  );
  assert.deepEqual(
    answers.map(({ id, answers }) => [id, answers?.map((record) => record.type).join()]),
    [
      [0, "PTR,SRV,A,TXT"],
      [0, "PTR,SRV,AAAA,TXT"],
    ],
  );
  const unicast = Buffer.from(query, "hex");
  unicast.writeUInt16BE(0x8001, unicast.length - 2);
  assert.deepEqual(
    ask(unicast).map((bytes) => decode(bytes).id),
    [0x1234],
  );
});

test("an announcement is seen once, a changed one is an update, a goodbye a delete", () => {
  const sightings = new Sightings("micro");
  const see = (bytes: Buffer): string[] => {
    const packet = decodePacket(bytes);
    assert.ok(packet);
    return sightingsIn(packet).map((sighting) => sightings.see(sighting)?.action ?? "nothing");
  };
  const changed = { ...instance, text: encodeText({ ...record, version: "2" }) };
  assert.deepEqual(see(encodeAnnouncement(instance)), ["create"]);
  assert.deepEqual(see(encodeAnnouncement(instance)), ["nothing"]);
  assert.deepEqual(see(encodeAnnouncement(changed)), ["update"]);
  assert.deepEqual(see(encodeAnnouncement(changed, true)), ["delete"]);
  assert.deepEqual(see(encodeAnnouncement(changed, true)), ["nothing"]);
  assert.deepEqual(see(encodeAnnouncement(changed)), ["create"]);
});

test("what isn't a complete record of its own service is left out", () => {
  const texts: Buffer[][] = [
    [],
    [Buffer.from("zz")],
    [Buffer.from("789c")],
    [Buffer.from(deflateSync("[]").toString("hex"))],
    [Buffer.from(deflateSync('{"Service":"other","Version":"1"}').toString("hex"))],
    [Buffer.from(deflateSync('{"Service":"test1","Version":""}').toString("hex"))],
    [Buffer.from(deflateSync('{"Service":7,"Version":"1"}').toString("hex"))],
  ];
  for (const text of texts) assert.equal(recordOf({ ...instance, text }, "micro"), undefined);
});

test("a text that inflates without end is given up after a mebibyte", () => {
  const bomb = deflateSync(`{"Service":"test1","Version":"1","Metadata":{"a":"${"a".repeat(8_000_000)}"}}`);
  assert.ok(bomb.length < 16_000);
  assert.equal(recordOf({ ...instance, text: [Buffer.from(bomb.toString("hex"))] }, "micro"), undefined);
});

test("of a packet with very many instances a few are looked at", () => {
  const packet = decodePacket(Buffer.from(answer, "hex"));
  assert.ok(packet);
  const [found] = sightingsIn(packet);
  assert.equal(found?.name, instance.name);
  const services = packet.additionals.filter(({ type }) => type === "SRV");
  const additionals = [...packet.additionals, ...Array.from({ length: 3_000 }, () => services).flat()];
  assert.ok(sightingsIn({ ...packet, additionals }).length <= 4);
});

test("no packet makes the reader or the responder throw", () => {
  const random = pseudoRandom(20_261_124);
  const seeds: Buffer[] = [query, answer, goodbye].map((hex) => Buffer.from(hex, "hex"));
  seeds.push(...ask(question("_services.micro", "PTR")));
  const sightings = new Sightings("micro");
  for (let round = 0; round < 20_000; round++) {
    const seed = seeds[random(seeds.length)] ?? Buffer.alloc(0);
    const bytes = Buffer.from(seed.subarray(0, random(4) === 0 ? random(seed.length + 1) : seed.length));
    for (let flips = random(8); flips > 0 && bytes.length > 0; flips--)
      bytes[random(bytes.length)] = random(256);
    const packet = decodePacket(bytes);
    if (packet === undefined) continue;
    answersTo(packet, zone, box1);
    for (const sighting of sightingsIn(packet)) sightings.see(sighting);
  }
  const liar = Buffer.from(query, "hex");
  liar.writeUInt16BE(0xffff, 6);
  assert.equal(decodePacket(liar), undefined);
});

/** The same numbers in every run, so that a failure can be repeated. */
function pseudoRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
