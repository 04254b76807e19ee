import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@redis/client";
import { newBroker } from "@ts-micro/broker-redis";
import { redis, type ServerProcess, startRedis, startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { RedisBrokerOptions } from "../src/options.ts";
import { idOf, message, numbers, until } from "./tools.ts";

const logger = newLogger({ level: "fatal" });

describe("when servers go and come back", { skip: redis().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startRedis({ durable: true });
  });
  after(() => server[Symbol.asyncDispose]());

  async function connected(options: RedisBrokerOptions = {}): Promise<Broker> {
    const broker = newBroker({ addresses: [server.address], logger, ...options });
    await broker.connect();
    return broker;
  }

  test("a server that comes back empty: queues are made again, and what is published since arrives", async () => {
    await using own = await startRedis();
    const options = { addresses: [own.address] };
    const [publisher, subscriber] = [await connected(options), await connected(options)];
    const [queue, all]: number[][] = [[], []];
    await subscriber.subscribe("empty", ({ message }) => void queue?.push(idOf(message)), { queue: "q" });
    await subscriber.subscribe("empty", ({ message }) => void all?.push(idOf(message)));
    await publisher.publish("empty", message(0));
    await until(() => queue?.length === 1 && all?.length === 1);
    await own.kill();
    await own.start({ empty: true });
    const sent: number[] = [0];
    for (let id = 1; sent.length < 200; id++) {
      await publisher.publish("empty", message(id)).then(
        () => sent.push(id),
        () => pause(5),
      );
    }
    await until(() => [queue, all].every((seen) => new Set(seen).size === sent.length));
    await Promise.all([publisher.disconnect(), subscriber.disconnect()]);
  });

  test("pubsub: a connection that falls silent is given up, full buffers or not", async () => {
    await using proxy = await startSilenceableProxy(server.address);
    const options = {
      addresses: [proxy.address],
      pingIntervalMs: 300,
      timeoutMs: 700,
      mode: "pubsub",
    } as const;
    const broker = await connected(options);
    const seen: number[] = [];
    await broker.subscribe("pubsub", ({ message }) => void seen.push(idOf(message)));
    await broker.publish("pubsub", message(1));
    await until(() => seen.length === 1);

    proxy.silence();
    const large = { header: {}, body: new Uint8Array(4 * 1024 * 1024) };
    const outcomes = await Promise.allSettled(numbers(4).map((id) => broker.publish(`pubsub.${id}`, large)));
    for (const outcome of outcomes) {
      assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason));
      assert.ok(["timeout", "connection-lost"].includes(outcome.reason.reason ?? ""), outcome.reason.message);
    }
    await until(() => broker.address === "");
    await assert.rejects(broker.publish("pubsub", message(2)), { code: 503, reason: "not-connected" });
    // A server that takes connections and says nothing is none either.
    await pause(1_500);
    assert.equal(broker.address, "");

    proxy.speak();
    await until(() => broker.address !== "");
    // What is published before its subscription is back passes a `pubsub` subscriber by.
    for (let id = 3; !seen.includes(id - 1) || id === 3; id++) {
      await broker.publish("pubsub", message(id));
      await pause(50);
    }
    await broker.disconnect();
    await until(() => proxy.connections === 0);
  });

  test("a silent server is noticed by who only listens", async () => {
    await using proxy = await startSilenceableProxy(server.address);
    const broker = await connected({ addresses: [proxy.address], pingIntervalMs: 300, timeoutMs: 700 });
    const publisher = await connected();
    const seen: number[] = [];
    await broker.subscribe("listen", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    proxy.silence();
    await publisher.publish("listen", message(1));
    await until(() => broker.address === "");
    proxy.speak();
    await until(() => seen.includes(1));
    await Promise.all([broker.disconnect(), publisher.disconnect()]);
  });

  test("when a replica takes over, it is used, and the old server isn't any more", async () => {
    await using one = await startRedis();
    const [host = "", port = ""] = one.address.split(":");
    await using other = await startRedis({ args: ["--replicaof", `${host} ${port}`] });
    // The replica stands first, and isn't taken for it.
    const broker = await connected({ addresses: [other.address, one.address], pingIntervalMs: 200 });
    assert.equal(broker.address, one.address);
    const seen: number[] = [];
    await broker.subscribe("failover", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    await broker.publish("failover", message(1));
    await until(() => seen.length === 1);

    await command(other, ["REPLICAOF", "NO", "ONE"]);
    await command(one, ["REPLICAOF", ...other.address.split(":")]);
    await until(() => broker.address === other.address);
    await broker.publish("failover", message(2));
    await until(() => seen.includes(2));

    await other.kill();
    await until(() => broker.address === "");
    await assert.rejects(broker.publish("failover", message(3)), { code: 503, reason: "not-connected" });
    await command(one, ["REPLICAOF", "NO", "ONE"]);
    await until(() => broker.address === one.address);
    await broker.publish("failover", message(4));
    await until(() => seen.includes(4));
    await broker.disconnect();
  });
});

async function command(server: ServerProcess, words: string[]): Promise<void> {
  const client = createClient({ url: `redis://${server.address}` });
  await client.connect();
  await client.sendCommand(words);
  client.destroy();
}
