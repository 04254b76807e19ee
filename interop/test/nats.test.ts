/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe on one nats-server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { type Running, run, serve } from "../src/program.ts";

const go = goProgram("v2", "pubsub");
const names = Array.from({ length: 40 }, (_, index) => `user${index}`);

describe("publishing on NATS", { skip: go.skip || nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let flags: string[];
  before(async () => {
    server = await startNats();
    flags = ["--broker=nats", `--broker_address=${server.address}`, "--server_address=127.0.0.1:0"];
  });
  after(() => server[Symbol.asyncDispose]());

  async function ours(prepare: (service: Service) => void = () => {}): Promise<Service> {
    const env = { MICRO_LOG_LEVEL: "error" };
    const service = newService({ name: newName(), registry: "memory", argv: flags, env });
    await service.init();
    prepare(service);
    await service.start();
    return service;
  }

  /** Its "ready" says nothing of the server: what is published before that knows it is lost. */
  async function goSubscriber(topic: string, queue = ""): Promise<Running> {
    const subscriber = await serve(go.path, flags, /^ready$/m, { TOPIC: topic, QUEUE: queue });
    const service = await ours();
    while (!subscriber.printed().stdout.includes("got anybody")) {
      await service.publish(topic, { name: "anybody" });
      await pause(20);
    }
    await service.stop();
    return subscriber;
  }

  async function goPublishes(topic: string): Promise<void> {
    const { code, stderr } = await run(go.path, flags, "", { TOPIC: topic, NAMES: names.join(",") });
    assert.equal(code, 0, stderr);
  }

  const gotBy = (subscriber: Running): string[] =>
    [...subscriber.printed().stdout.matchAll(/^got (user\d+)$/gm)].map(([, name = ""]) => name);

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) await pause(10);
  }

  test("an event, JSON: ts-micro → go-micro v2.9.1", async () => {
    await using subscriber = await goSubscriber("there");
    const service = await ours();
    for (const name of names) await service.publish("there", { name });
    await until(() => gotBy(subscriber).length >= names.length);
    assert.deepEqual(gotBy(subscriber).sort(), [...names].sort());
    await service.stop();
  });

  test("an event, JSON: go-micro v2.9.1 → ts-micro", async () => {
    const got: string[] = [];
    const service = await ours((service) =>
      service.subscribe("here", ({ name }: { name: string }) => void got.push(name)),
    );
    await goPublishes("here");
    await until(() => got.length >= names.length);
    assert.deepEqual(got.sort(), [...names].sort());
    await service.stop();
  });

  for (const [column, publish] of [
    [
      "ts-micro → go-micro v2.9.1",
      (service: Service) => Promise.all(names.map((name) => service.publish("q", { name }))),
    ],
    ["go-micro v2.9.1 → ts-micro", () => goPublishes("q")],
  ] as const) {
    test(`a queue with members of both: ${column}`, async () => {
      await using subscriber = await goSubscriber("q", "mailers");
      const got: string[] = [];
      const service = await ours((service) =>
        service.subscribe("q", ({ name }: { name: string }) => void got.push(name), { queue: "mailers" }),
      );
      await publish(service);
      await until(() => got.length + gotBy(subscriber).length >= names.length);
      assert.deepEqual([...got, ...gotBy(subscriber)].sort(), [...names].sort());
      // The server chooses at random: that one gets none happens once in 2^39 runs.
      assert.ok(got.length > 0 && got.length < names.length, `${got.length} of ours`);
      await service.stop();
    });
  }
});
