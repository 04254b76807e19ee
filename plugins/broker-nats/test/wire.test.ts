import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker, Event } from "ts-micro/broker";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });

describe("on the wire", { skip: nats().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  let broker: Broker;
  let other: NatsConnection;
  before(async () => {
    server = await startNats();
    broker = newBroker({ addresses: [`nats://${server.address}`], logger });
    await broker.connect();
    other = await connect({ servers: server.address });
  });
  after(async () => {
    await other?.close();
    await broker?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  test("a message is go-micro's JSON on the topic's subject", async () => {
    const arrived = new Promise<string>((resolve, reject) => {
      other.subscribe("user.created", {
        callback: (error, { subject, reply, headers, data }) => {
          if (error !== null) reject(error);
          resolve([subject, reply ?? "", String(headers), Buffer.from(data).toString()].join("|"));
        },
      });
    });
    await other.flush();
    const header = { "Content-Type": "application/json" };
    await broker.publish("user.created", { header, body: Buffer.from('{"name":"john"}') });
    const json =
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"user.created"},"Body":"eyJuYW1lIjoiam9obiJ9"}';
    assert.equal(await arrived, `user.created||undefined|${json}`);
  });

  test("wildcards are NATS's, the event says which topic it was; what can't be read is dropped and logged", async () => {
    const events: Event[] = [];
    const subscription = await broker.subscribe("shop.*.sold", (event) => void events.push(event));
    lines.length = 0;
    other.publish("shop.nuts.sold", '{"Header":{"x-id":"1"},"Body":"aGk="}');
    other.publish("shop.bolts.sold", "not JSON");
    other.publish("shop.bolts.sold", '{"Body":"no base64"}');
    other.publish("shop.bolts.sold", '{"Header":null,"Body":null}');
    other.publish("shop.bolts.bought", "{}");
    await other.flush();
    await broker.publish("shop.screws.sold", { header: { "Micro-Topic": "own" }, body: Buffer.from("yes") });
    await subscription.unsubscribe();
    assert.deepEqual(
      events.map(({ topic, message }) => [
        topic,
        { ...message.header },
        Buffer.from(message.body).toString(),
      ]),
      [
        ["shop.nuts.sold", { "X-Id": "1", "Micro-Topic": "shop.nuts.sold" }, "hi"],
        ["shop.bolts.sold", { "Micro-Topic": "shop.bolts.sold" }, ""],
        ["shop.screws.sold", { "Micro-Topic": "own" }, "yes"],
      ],
    );
    assert.equal(lines.filter((line) => /shop\.bolts\.sold.*not a go-micro message/.test(line)).length, 2);
  });

  test("topics and queues that NATS can't have are refused with the reason", async () => {
    const nothing = { header: {}, body: new Uint8Array() };
    const handler = (): void => {};
    for (const [work, code, text] of [
      [broker.publish("a b", nothing), 400, /"a b": NATS allows no blanks/],
      [broker.publish("a..b", nothing), 400, /"a..b": NATS allows no empty part/],
      [broker.publish("a.*", nothing), 400, /"a.\*": wildcards are for subscribing/],
      [broker.subscribe("a\r\nPUB b 0", handler), 400, /NATS allows no blanks/],
      [broker.subscribe(".a", handler), 400, /no empty part/],
      [broker.subscribe("a", handler, { queue: "two words" }), 400, /queue "two words" has blanks/],
      [
        broker.publish("a", { header: {}, body: new Uint8Array(7_000_000) }),
        413,
        /9\d+ bytes .* takes 8388608/,
      ],
    ] as const) {
      await assert.rejects(work, (thrown: unknown) => {
        assert.ok(MicroError.is(thrown));
        assert.equal(thrown.code, code);
        assert.match(thrown.detail, text);
        return true;
      });
    }
  });
});
