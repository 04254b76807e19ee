import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-mqtt";
import { mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";
import { generate, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { MicroError, newLogger } from "ts-micro";
import type { Broker, Event } from "ts-micro/broker";
import { until } from "./messages.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });
const nothing = { header: {}, body: new Uint8Array() };

describe("on the wire", { skip: mosquitto().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  let broker: Broker;
  let other: Socket;
  const arrived: IPublishPacket[] = [];
  before(async () => {
    server = await startMosquitto();
    broker = newBroker({ addresses: [`tcp://${server.address}`], logger });
    await broker.connect();
    // MQTT 3.1.1, as go-micro's plugin speaks.
    const [host, port] = server.address.split(":");
    other = connect(Number(port), host);
    const reader = parser({ protocolVersion: 4 });
    other.on("data", (bytes: Buffer) => reader.parse(bytes));
    const packets: Packet[] = [];
    reader.on("packet", (packet) => {
      packets.push(packet);
      if (packet.cmd === "publish") arrived.push(packet);
    });
    await once(other, "connect");
    write({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: "go", clean: true });
    write({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "user/#", qos: 0 }] });
    await until(() => packets.length === 2);
  });
  after(async () => {
    other?.destroy();
    await broker?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  const write = (packet: Packet): void => void other.write(generate(packet, { protocolVersion: 4 }));
  const publish = (topic: string, payload: string): void =>
    write({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false });

  test("a message is go-micro's JSON on its topic", async () => {
    const header = { "Content-Type": "application/json" };
    await broker.publish("user/created", { header, body: Buffer.from('{"name":"john"}') });
    await until(() => arrived.length === 1);
    const json =
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"user/created"},"Body":"eyJuYW1lIjoiam9obiJ9"}';
    const [{ topic, payload, retain }] = arrived as [IPublishPacket];
    assert.deepEqual([topic, payload.toString(), retain], ["user/created", json, false]);
  });

  test("wildcards are MQTT's, the event says which topic it was; what can't be read is dropped and logged", async () => {
    const events: Event[] = [];
    const options = { queue: "q", maxInFlight: 1 };
    const subscription = await broker.subscribe("shop/+/sold", (event) => void events.push(event), options);
    lines.length = 0;
    publish("shop/nuts/sold", '{"Header":{"x-id":"1"},"Body":"aGk="}');
    publish("shop/bolts/sold", "not JSON");
    publish("shop/bolts/sold", '{"Body":"no base64"}');
    publish("shop/bolts/bought", "{}");
    publish("shop/bolts/sold", '{"Header":null,"Body":null}');
    await until(() => events.length === 2);
    await broker.publish("shop/screws/sold", { header: { "Micro-Topic": "own" }, body: Buffer.from("yes") });
    await until(() => events.length === 3);
    await subscription.unsubscribe();
    assert.deepEqual(
      events.map(({ topic, message }) => [
        topic,
        { ...message.header },
        Buffer.from(message.body).toString(),
      ]),
      [
        ["shop/nuts/sold", { "X-Id": "1", "Micro-Topic": "shop/nuts/sold" }, "hi"],
        ["shop/bolts/sold", { "Micro-Topic": "shop/bolts/sold" }, ""],
        ["shop/screws/sold", { "Micro-Topic": "own" }, "yes"],
      ],
    );
    assert.equal(lines.filter((line) => /shop\/bolts\/sold.*not a go-micro message/.test(line)).length, 2);
  });

  test("what a subscription was not there for comes when it retained, once", async () => {
    write({ cmd: "publish", topic: "kept", payload: "{}", qos: 0, dup: false, retain: true });
    const topics: string[] = [];
    await broker.subscribe("kept", ({ topic }) => void topics.push(topic));
    await until(() => topics.length === 1);
  });

  test("topics, queues and options that make no sense are refused with the reason", async () => {
    const handler = (): void => {};
    await using old = newBroker({ addresses: [server.address], logger, protocolVersion: 4 });
    await old.connect();
    for (const [work, code, text] of [
      [broker.publish("a/+", nothing), 400, /"a\/\+": wildcards are for subscribing/],
      [broker.publish("#", nothing), 400, /wildcards are for subscribing/],
      [broker.publish("a\0", nothing), 400, /no null character/],
      [broker.subscribe("$share/q/a", handler), 400, /give the option `queue` instead/],
      [broker.subscribe("a", handler, { queue: "a/b" }), 400, /queue "a\/b" has one of/],
      [broker.subscribe("x".repeat(65_001), handler), 400, /at most 65,535 bytes/],
      [old.subscribe("a", handler, { queue: "q" }), 501, /mqtt does not support queue/],
    ] as const) {
      await assert.rejects(work, (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, code);
        assert.match(thrown.detail, text);
        return true;
      });
    }
    assert.throws(() => newBroker({ qos: 3 as 2 }), { code: 400 });
    assert.throws(() => newBroker({ protocolVersion: 3 as 4 }), { code: 400 });
    await using small = await startMosquitto({ config: "allow_anonymous true\nmax_packet_size 1000" });
    await using limited = newBroker({ addresses: [small.address], logger });
    await limited.connect();
    await assert.rejects(limited.publish("a", { header: {}, body: new Uint8Array(1_000) }), { code: 413 });
    await limited.publish("a", nothing);
  });
});
