import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient } from "@redis/client";
import { newBroker } from "@ts-micro/broker-redis";
import { redis, type ServerProcess, startRedis } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker, Event } from "ts-micro/broker";
import { message, numbers, until } from "./tools.ts";

const lines: string[] = [];
const logger = newLogger({ write: (line) => void lines.push(line) });
const json =
  '{"Header":{"Content-Type":"application/json","Micro-Topic":"user.created"},"Body":"eyJuYW1lIjoiam9obiJ9"}';
const john = { header: { "Content-Type": "application/json" }, body: Buffer.from('{"name":"john"}') };

describe("on the wire", { skip: redis().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  let streams: Broker;
  let pubsub: Broker;
  let other: Awaited<ReturnType<typeof connectOther>>;
  before(async () => {
    server = await startRedis();
    streams = newBroker({ addresses: [`redis://${server.address}`], logger });
    pubsub = newBroker({ addresses: [server.address], logger, mode: "pubsub", maxPendingMessages: 20 });
    await Promise.all([streams.connect(), pubsub.connect()]);
    other = await connectOther(server);
  });
  after(async () => {
    other.destroy();
    await Promise.all([streams.disconnect(), pubsub.disconnect()]);
    await server[Symbol.asyncDispose]();
  });

  test("pubsub: a message is go-micro's JSON on the topic's channel", async () => {
    const listener = await connectOther(server);
    const arrived = new Promise<string>((resolve) => {
      void listener.subscribe("user.created", resolve).then(() => pubsub.publish("user.created", john));
    });
    assert.equal(await arrived, json);
    listener.destroy();
  });

  test("streams: a message is the same JSON, in the field message of the topic's stream", async () => {
    await streams.publish("user.created", john);
    const entries = await other.xRange("micro:topic:user.created", "-", "+");
    assert.deepEqual(
      (entries ?? []).map(({ message }) => ({ ...message })),
      [{ message: json }],
    );
  });

  test("what can't be read is dropped, logged and acknowledged", async () => {
    const events: Event[] = [];
    const options = { queue: "q", maxInFlight: 1 };
    const subscription = await streams.subscribe("odd", (event) => void events.push(event), options);
    const listening = await pubsub.subscribe("odd", (event) => void events.push(event));
    lines.length = 0;
    const key = "micro:topic:odd";
    for (const [name, value] of [
      ["message", "not JSON"],
      ["other", "field"],
      ["message", '{"Header":{"x-id":"1"},"Body":"aGk="}'],
    ] as const) {
      await other.xAdd(key, "*", { [name]: value });
    }
    await other.publish("odd", "not JSON");
    await other.publish("odd", '{"Header":null,"Body":null}');
    await until(() => events.length === 2);
    await Promise.all([subscription.unsubscribe(), listening.unsubscribe()]);
    assert.deepEqual(
      events
        .map(({ message }) => [{ ...message.header }, Buffer.from(message.body).toString()])
        .sort(([, a], [, b]) => (String(a) < String(b) ? -1 : 1)),
      [
        [{ "Micro-Topic": "odd" }, ""],
        [{ "X-Id": "1", "Micro-Topic": "odd" }, "hi"],
      ],
    );
    assert.equal(lines.filter((line) => /"odd" dropped, it is not a go-micro message/.test(line)).length, 3);
    assert.equal((await other.xPending(key, "q")).pending, 0);
  });

  test("pubsub: a slow handler makes no more than the limit wait, and the log says what was dropped", async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let handled = 0;
    const subscription = await pubsub.subscribe(
      "slow",
      async () => {
        await opened;
        handled++;
      },
      { maxInFlight: 1 },
    );
    lines.length = 0;
    for (const id of numbers(100)) await pubsub.publish("slow", message(id));
    const ended = subscription.unsubscribe();
    await until(() => lines.some((line) => /79 messages were dropped/.test(line)));
    open();
    await ended;
    assert.equal(handled, 21);
  });

  test("a key that is no stream, and options that make no sense, are refused with the reason", async () => {
    await other.set("micro:topic:text", "text");
    const create = (options: object) => async () => newBroker(options);
    for (const [work, code, text] of [
      [() => streams.publish("text", john), 503, /refused to publish on "text": WRONGTYPE/],
      [() => streams.subscribe("text", () => {}), 503, /refused to subscribe to "text": WRONGTYPE/],
      [create({ mode: "lists" }), 400, /mode must be "streams" or "pubsub", is "lists"/],
      [create({ claimAfterMs: 0 }), 400, /claimAfterMs must be milliseconds from 100 to 86400000, is 0/],
      [create({ maxLength: 1.5 }), 400, /maxLength must be a whole number from 1, is 1\.5/],
    ] as const) {
      await assert.rejects(work, (thrown: unknown) => {
        assert.ok(MicroError.is(thrown), String(thrown));
        assert.equal(thrown.code, code);
        assert.match(thrown.detail, text);
        return true;
      });
    }
  });
});

async function connectOther(server: ServerProcess) {
  return createClient({ RESP: 2, url: `redis://${server.address}` }).connect();
}
