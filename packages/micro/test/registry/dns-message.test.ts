import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, decode, encode } from "dns-packet";
import {
  type DnsMessage,
  type DnsRecord,
  decodeMessage,
  dnsClass,
  dnsFlag,
  encodeMessage,
  isResponse,
} from "../../src/registry/dns-message.ts";

const ttl = 120;
const records: readonly DnsRecord[] = [
  { type: "PTR", name: "greeter.micro", ttl, data: "greeter-1.greeter.micro" },
  {
    type: "SRV",
    name: "greeter-1.greeter.micro",
    ttl: 0,
    data: { priority: 10, weight: 1, port: 65_535, target: "böx" },
  },
  { type: "A", name: "böx", ttl, data: "10.0.255.1" },
  { type: "TXT", name: "greeter-1.greeter.micro", ttl, data: [Buffer.from("one"), Buffer.alloc(255, "x")] },
  { type: "TXT", name: "nothing", ttl, data: [] },
];
const message: Omit<DnsMessage, "additionals"> = {
  id: 0xabcd,
  flags: dnsFlag.response | dnsFlag.authoritative,
  questions: [{ type: "ANY", name: "greeter.micro", class: dnsClass.unicast }],
  answers: records,
};

test("another library reads what is written, and its messages are read", () => {
  const other = decode(encodeMessage(message));
  assert.deepEqual([other.id, other.type, other.flag_aa], [0xabcd, "response", true]);
  assert.deepEqual(other.questions, [{ type: "ANY", name: "greeter.micro", class: "UNKNOWN_32769" }]);
  const common = { class: "IN", flush: false } as const;
  assert.deepEqual(
    other.answers,
    records.map((record) => ({ ...common, ...record })),
  );

  const answers = records.map((record) => ({ ...common, ...record, flush: true })) as unknown as Answer[];
  const read = decodeMessage(encode({ type: "response", id: 7, answers, additionals: answers }));
  assert.deepEqual({ ...read, flags: isResponse(read) }, {
    id: 7,
    flags: true,
    questions: [],
    answers: records,
    additionals: records,
  } as unknown);
});

test("addresses of IPv6 in every form of writing", () => {
  const forms: Record<string, string> = {
    "::": "::",
    "::1": "::1",
    "fd00::": "fd00::",
    "fd00::2": "fd00::2",
    "2001:DB8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "1:2:3:4:5:6:7:8": "1:2:3:4:5:6:7:8",
    "::ffff:10.0.0.1": "::ffff:a00:1",
    "64:ff9b::192.0.2.33": "64:ff9b::c000:221",
  };
  for (const [written, read] of Object.entries(forms)) {
    const bytes = encodeMessage({
      ...message,
      questions: [],
      answers: [{ type: "AAAA", name: "box", ttl, data: written }],
    });
    assert.deepEqual(decodeMessage(bytes).answers[0]?.data, read);
    assert.equal(decode(bytes).answers?.length, 1);
    assert.equal(bytes.subarray(-16).toString("hex"), groupsOf(read));
  }
});

/** The same in another way: what is missing beside `::` is filled with zeros. */
function groupsOf(address: string): string {
  const [left = "", right = ""] = address.split("::").map((half) =>
    half
      .split(":")
      .map((group) => (group === "" ? "" : group.padStart(4, "0")))
      .join(""),
  );
  return left + "0".repeat(32 - left.length - right.length) + right;
}

test("compressed names are read, and types that nobody asked for are passed over", () => {
  const bytes = Buffer.from(
    "000084000000000300000000" +
      // greeter.micro NULL, 3 bytes
      "0767726565746572056d6963726f00000a0001000000780003010203" +
      // a pointer to it: PTR to `x.` and the pointer
      "c00c000c8001000000780004" +
      "0178c00c" +
      // micro, by a pointer into the middle: A
      "c014000100010000007800047f000001",
    "hex",
  );
  assert.deepEqual(decodeMessage(bytes).answers, [
    { type: "PTR", name: "greeter.micro", ttl, data: "x.greeter.micro" },
    { type: "A", name: "micro", ttl, data: "127.0.0.1" },
  ]);
});

test("messages that lie are refused", () => {
  const head = "000084000000000100000000";
  const lies: Record<string, string> = {
    "a pointer at itself": `${head}c00c000100010000007800047f000001`,
    "a pointer forward": `${head}c020000100010000007800047f000001`,
    "a label of 64 bytes": `${head}40${"61".repeat(64)}00000100010000007800047f000001`,
    "a name of 256 bytes": `${head}${`3f${"61".repeat(63)}`.repeat(3)}3e${"61".repeat(62)}0161${"00".repeat(30)}`,
    "a name without an end": `${head}0361`,
    "an address of three bytes": `${head}00000100010000007800037f0000`,
    "a text longer than its record": `${head}00001000010000007800020361626300`,
    "a record longer than the message": `${head}0000100001000000780009036162630000`,
    "a target longer than its record": `${head}0000210001000000780007000a0001271104626f783100`,
    "records that aren't there": head,
  };
  for (const [lie, hex] of Object.entries(lies))
    assert.throws(() => decodeMessage(Buffer.from(hex, "hex")), RangeError, lie);
});

test("a chain of pointers ends", () => {
  // In the data of the first record: the first one points at its name, the root, each other one at the one before.
  const first = Buffer.from("00008400000000020000000000000a000100000078", "hex");
  const chainOf = (hops: number): Buffer => {
    const start = first.length + 2;
    const chain = Buffer.alloc(2 + hops * 2);
    chain.writeUInt16BE(hops * 2);
    for (let hop = 0; hop < hops; hop++)
      chain.writeUInt16BE(0xc000 + (hop === 0 ? 12 : start + (hop - 1) * 2), 2 + hop * 2);
    const second = Buffer.from("0000000100010000007800047f000001", "hex");
    second.writeUInt16BE(0xc000 + start + (hops - 1) * 2);
    return Buffer.concat([first, chain, second]);
  };
  assert.deepEqual(decodeMessage(chainOf(10)).answers, [{ type: "A", name: "", ttl, data: "127.0.0.1" }]);
  assert.throws(() => decodeMessage(chainOf(1_000)), /a name is too long/);
});

test("the longest name there may be goes through", () => {
  const name = [...Array.from({ length: 3 }, () => "a".repeat(63)), "b".repeat(61)].join(".");
  const bytes = encodeMessage({ ...message, answers: [{ type: "PTR", name, ttl, data: name }] });
  assert.equal(decodeMessage(bytes).answers[0]?.data, name);
});
