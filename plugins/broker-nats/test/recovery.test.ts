import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newBroker } from "@ts-micro/broker-nats";
import { nats, type ServerProcess, startNats, startSilenceableProxy } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";

const logger = newLogger({ level: "fatal" });
const message = (id: number) => ({ header: {}, body: Buffer.from(String(id)) });
const idOf = ({ body }: { body: Uint8Array }) => Number(Buffer.from(body).toString());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}

describe("when servers go and come back", { skip: nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  test("a server that is killed in mid-traffic for 20 s: publishes are refused, subscriptions come back", async () => {
    const brokers = Array.from({ length: 4 }, () => newBroker({ addresses: [server.address], logger }));
    await Promise.all(brokers.map((broker) => broker.connect()));
    const [publisher, first, second, third] = brokers as [Broker, Broker, Broker, Broker];
    const queue: number[] = [];
    const all: number[] = [];
    await first.subscribe("kill", ({ message }) => void queue.push(idOf(message)), { queue: "q" });
    await second.subscribe("kill", ({ message }) => void queue.push(idOf(message)), { queue: "q" });
    await third.subscribe("kill", ({ message }) => void all.push(idOf(message)));

    const refused = new Map<string, number>();
    let resolved: number[] = [];
    let next = 0;
    let stopping = false;
    const traffic = Array.from({ length: 8 }, async () => {
      while (!stopping) {
        const id = next++;
        try {
          await publisher.publish("kill", message(id));
          resolved.push(id);
        } catch (thrown) {
          assert.ok(MicroError.is(thrown), String(thrown));
          const kind = `${thrown.code} ${thrown.reason}`;
          refused.set(kind, (refused.get(kind) ?? 0) + 1);
          await pause(5);
        }
      }
    });
    await until(() => resolved.length > 1_000);
    await server.kill();
    await until(() => brokers.every(({ address }) => address === ""));
    const resolvedBefore = resolved.length;
    await pause(20_000);
    assert.equal(resolved.length, resolvedBefore, "a publish resolved without a server");
    assert.deepEqual([...refused.keys()].sort(), ["503 connection-lost", "503 not-connected"]);
    await assert.rejects(
      first.subscribe("other", () => {}),
      { code: 503, reason: "not-connected" },
    );

    await server.start();
    await until(() => brokers.every(({ address }) => address === server.address));
    // What was published before everybody was back may have passed somebody by.
    const from = next;
    resolved = [];
    await until(() => resolved.length > 1_000);
    stopping = true;
    await Promise.all(traffic);
    const since = resolved.filter((id) => id >= from).sort((a, b) => a - b);
    for (const seen of [queue, all]) {
      const wanted = () => seen.filter((id) => id >= from).sort((a, b) => a - b);
      await until(() => wanted().length >= since.length);
      assert.deepEqual(wanted(), since);
    }
    await Promise.all(brokers.map((broker) => broker.disconnect()));
  });

  test("a connection that falls silent is given up after three pings, full buffers or not", async () => {
    await using proxy = await startSilenceableProxy(server.address);
    const options = { addresses: [proxy.address], logger, pingIntervalMs: 200, timeoutMs: 1_000 };
    const broker = newBroker(options);
    await broker.connect();
    const seen: number[] = [];
    await broker.subscribe("silence", ({ message }) => void seen.push(idOf(message)));
    await broker.publish("silence", message(1));
    await until(() => seen.length === 1);

    proxy.silence();
    const large = { header: {}, body: new Uint8Array(4 * 1024 * 1024) };
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((id) => broker.publish(`silence.${id}`, large)),
    );
    for (const outcome of outcomes) {
      assert.ok(outcome.status === "rejected" && MicroError.is(outcome.reason));
      assert.ok(["timeout", "connection-lost"].includes(outcome.reason.reason ?? ""), outcome.reason.message);
    }
    await until(() => broker.address === "");
    await assert.rejects(broker.publish("silence", message(2)), { code: 503 });
    // A server that takes connections and says nothing is none either.
    await pause(1_500);
    assert.equal(broker.address, "");

    proxy.speak();
    await until(() => broker.address !== "");
    await broker.publish("silence", message(3));
    await until(() => seen.includes(3));
    assert.deepEqual(seen, [1, 3]);
    await broker.disconnect();
    await until(() => proxy.connections === 0);
  });

  test("with two servers, the other one is used when one dies", async () => {
    await using one = await startNats();
    await using other = await startNats();
    const addresses = [one.address, other.address];
    const broker = newBroker({ addresses, logger });
    await broker.connect();
    const seen: number[] = [];
    await broker.subscribe("failover", ({ message }) => void seen.push(idOf(message)), { queue: "q" });
    const [used, spare] = broker.address === one.address ? [one, other] : [other, one];
    await used.kill();
    await until(() => broker.address === spare.address);
    await broker.publish("failover", message(1));
    await until(() => seen.length === 1);
    await broker.disconnect();
  });

  test("disconnecting while no server answers ends", async () => {
    const lonely = await startNats();
    const broker = newBroker({ addresses: [lonely.address], logger });
    await broker.connect();
    const subscription = await broker.subscribe("lonely", () => {});
    await lonely[Symbol.asyncDispose]();
    await until(() => broker.address === "");
    await subscription.unsubscribe();
    await broker.disconnect();
    await assert.rejects(broker.connect(), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown));
      assert.deepEqual([thrown.code, thrown.reason], [503, "connection-failed"]);
      assert.match(thrown.detail, new RegExp(lonely.address));
      return true;
    });
  });
});
