/** A server may be a stranger: whatever it sends, connecting and using the connection end with an error or well. */
import assert from "node:assert/strict";
import { fuzzTest, mutated, startStrangeServer } from "@ts-micro/fuzz";
import { generate, type Packet } from "mqtt-packet";
import { parseServerAddress } from "../src/server-address.ts";
import { openSession } from "../src/session.ts";

const packets: Packet[] = [
  { cmd: "publish", topic: "a", payload: "{}", qos: 1, messageId: 1, dup: false, retain: false },
  { cmd: "puback", messageId: 1, reasonCode: 0, properties: { reasonString: "why" } },
  { cmd: "suback", messageId: 1, granted: [1] },
  { cmd: "pubrec", messageId: 1 },
  { cmd: "pubrel", messageId: 1 },
  { cmd: "pingresp" },
  { cmd: "disconnect", reasonCode: 0x8b },
];

fuzzTest("no bytes of a server end the process", { rounds: 60 }, async (random) => {
  const connack: Packet = { cmd: "connack", reasonCode: 0, sessionPresent: false };
  const words = ["\0\x04MQTT", "\xff\xff\xff\x7f", "\0\0", "\x20\x03"];
  const good = [connack, ...packets.filter(() => random.once(2))].map((packet) =>
    generate(packet, { protocolVersion: 5 }),
  );
  const [first = Buffer.alloc(0), ...rest] = good;
  // Half of the time the connection is made, and goes wrong later.
  const answer = random.once(2)
    ? mutated(random, Buffer.concat(good), words)
    : Buffer.concat([
        first,
        mutated(random, Buffer.concat([...rest, Buffer.from("\xd0\0", "latin1")]), words),
      ]);
  await using server = await startStrangeServer(() => [answer]);
  const address = parseServerAddress(server.address, false);
  try {
    const session = await openSession(
      address,
      { timeoutMs: 5_000 },
      { clientId: "a", clean: true, sessionExpirySeconds: 0, onPublish() {}, onRelease() {} },
    );
    await session.request({ cmd: "subscribe", subscriptions: [{ topic: "a", qos: 1 }] }).catch(() => {});
    await session.end(true);
    assert.notEqual(await session.ended, "");
  } catch (thrown) {
    assert.ok(thrown instanceof Error, String(thrown));
  }
});
