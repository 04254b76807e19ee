/** Brokers and registries behind a service, offered and used by ts-micro and by go-micro v2.9.1. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newBroker } from "@ts-micro/broker-service";
import { newRegistry } from "@ts-micro/registry-service";
import { MicroError, newLogger, newService } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import type { Watcher } from "ts-micro/registry";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { goCall } from "../src/go-client.ts";
import { v2 } from "../src/go-micro.ts";
import { serveGreeter } from "../src/greeter.ts";
import { newName } from "../src/new-name.ts";
import { type Running, serve } from "../src/program.ts";
import { goPublisher, goSubscriber } from "../src/rows/publishing-peers.ts";
import { until } from "../src/until.ts";

const proxies = v2.program("proxies");
const server = v2.program("server");
/** This file runs in `interop/dist/test`. */
const micro = fileURLToPath(new URL("../../../packages/cli/bin/micro.js", import.meta.url));
const logger = newLogger({ level: "error" });
const names = Array.from({ length: 40 }, (_, index) => `user${index}`);
const [toGo, fromGo] = ["ts-micro → go-micro v2.9.1", "go-micro v2.9.1 → ts-micro"];

/** go-micro's: it has to say where it listens, which its log does. */
async function serveGo(): Promise<Running & { address: string }> {
  const running = await serve(proxies.path, ["--server_address=127.0.0.1:0"], /Listening on (\S+)/);
  return Object.assign(running, { address: running.match[1] ?? "" });
}

/** Ours, as users start it. */
async function serveMicro(kind: "broker" | "registry"): Promise<Running & { address: string }> {
  const flags = [micro, kind, `--${kind}=memory`, "--server_address=127.0.0.1:0"];
  const env = { MICRO_REGISTRY: "memory" };
  const running = await serve(process.execPath, flags, / at (127\.0\.0\.1:\d+)$/m, env);
  return Object.assign(running, { address: running.match[1] ?? "" });
}

describe("a broker behind a service", {
  skip: proxies.skip || v2.program("pubsub").skip,
  timeout: 120_000,
}, () => {
  const send = (broker: Broker, topic: string, name: string): Promise<void> =>
    broker.publish(topic, {
      header: { "Content-Type": "application/json", "Micro-Topic": topic },
      body: Buffer.from(JSON.stringify({ name })),
    });

  async function subscribed(broker: Broker, topic: string): Promise<string[]> {
    const got: string[] = [];
    await broker.subscribe(topic, ({ message }) => void got.push(JSON.parse(message.body.toString()).name));
    return got;
  }

  test(`publish and subscribe: ${toGo}`, async () => {
    await using offered = await serveGo();
    await using broker = newBroker({ addresses: [offered.address], logger });
    await broker.connect();
    const topic = newName();
    const got = await subscribed(broker, topic);
    for (const name of names) await send(broker, topic, name);
    await until(() => got.length >= names.length);
    assert.deepEqual(got.sort(), [...names].sort());
  });

  test(`publish and subscribe: ${fromGo}`, async () => {
    await using offered = await serveMicro("broker");
    const topic = { topic: newName(), flags: [], env: { SERVICE_BROKER: offered.address } };
    await using broker = newBroker({ addresses: [offered.address], logger });
    await broker.connect();
    await using subscriber = await goSubscriber(v2, topic);
    const gotByGo = (): string[] => subscriber.told().map(({ name }) => name);
    // Its "ready" says nothing of the subscription.
    await until(
      () => gotByGo().includes("anybody"),
      async () => {
        await send(broker, topic.topic, "anybody");
        await pause(20);
      },
    );
    const got = await subscribed(broker, topic.topic);
    await using publisher = await goPublisher(v2, topic, "application/json");
    for (const name of names) await publisher.publish(name);
    const sent = [...names].sort();
    await until(() => got.length >= names.length && names.every((name) => gotByGo().includes(name)));
    assert.deepEqual(got.sort(), sent);
    assert.deepEqual(
      gotByGo()
        .filter((name) => name !== "anybody")
        .sort(),
      sent,
    );
  });
});

describe("a registry behind a service", { skip: proxies.skip || server.skip, timeout: 120_000 }, () => {
  async function nextAction(watcher: Watcher): Promise<string> {
    const { value } = await watcher[Symbol.asyncIterator]().next();
    return value.action;
  }

  test(`register, look up, watch, deregister: ${toGo}`, async () => {
    await using offered = await serveGo();
    await using registry = newRegistry({ addresses: [offered.address], logger });
    const name = newName();
    assert.deepEqual(await registry.getService(name), []);
    await using watcher = await registry.watch({ service: name });
    const endpoint = { name: "Greeter.Hello", request: null, response: null, metadata: { stream: "false" } };
    const record = {
      ...{ name, version: "1.0.0", metadata: { team: "blue" }, endpoints: [endpoint] },
      nodes: [{ id: `${name}-1`, address: "127.0.0.1:9", metadata: { protocol: "grpc" } }],
    };
    await registry.register(record, { ttlMs: 60_000 });
    assert.equal(await nextAction(watcher), "create");
    const [found] = await registry.getService(name);
    assert.deepEqual(found, record);
    assert.ok((await registry.listServices()).some((each) => each.name === name));
    await registry.deregister(record);
    assert.equal(await nextAction(watcher), "delete");
    assert.deepEqual(await registry.getService(name), []);
  });

  test(`register, look up, watch, deregister: ${fromGo}`, async () => {
    await using offered = await serveMicro("registry");
    const flags = ["--registry=service", `--registry_address=${offered.address}`];
    const [theirs, ours] = [newName(), newName()];
    await using registry = newRegistry({ addresses: [offered.address], logger });
    await using watcher = await registry.watch({ service: theirs });
    const own = ["--server_address=127.0.0.1:0", "--register_ttl=2", "--register_interval=1"];
    await using go = await serve(server.path, [...flags, ...own], /listening on \S+/, { SERVICE: theirs });
    assert.equal(await nextAction(watcher), "create");
    const service = newService({
      name: ours,
      client: "grpc",
      server: "grpc",
      argv: [...flags, "--server_address=127.0.0.1:0", "--client_request_timeout=20s"],
      env: {},
      logger,
    });
    serveGreeter(service);
    await service.init();
    await service.start();
    try {
      const { name } = await service.for(Greeter, { service: theirs }).hello({ name: "John" });
      assert.equal(name, "Hello John");
      const requests = [{ name: "John" }];
      const outcome = await goCall(
        v2.program("client"),
        { service: ours, endpoint: "Greeter.Hello", requests },
        flags,
      );
      assert.deepEqual(outcome, { answers: [{ name: "Hello John" }], error: null, text: "" });
    } finally {
      await service.stop();
    }
    await go[Symbol.asyncDispose]();
    assert.equal(await nextAction(watcher), "delete");
  });

  test(`a service of nobody: ${fromGo}`, async () => {
    await using offered = await serveMicro("registry");
    const flags = ["--registry=service", `--registry_address=${offered.address}`];
    const call = { service: newName(), unknown: true, endpoint: "Greeter.Hello", requests: [{}] };
    const { error } = await goCall(v2.program("client"), call, flags);
    assert.equal(error?.code, 500);
    assert.match(error?.detail ?? "", /not found/);
    assert.ok(!MicroError.is(error));
  });
});
