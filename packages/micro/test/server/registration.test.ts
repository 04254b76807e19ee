import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { Broker } from "../../src/broker/broker.ts";
import { badRequest } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { serverSettings } from "../../src/server/options.ts";
import { advertisedAddress, newRegistration } from "../../src/server/registration.ts";
import type { ServerOptions } from "../../src/server/server.ts";

const endpoint = { name: "Greeter.Hello", request: null, response: null, metadata: {} };

function setUp(context: TestContext, options: ServerOptions = {}) {
  const memory = newMemoryRegistry({ addresses: [randomUUID()] });
  const failures = { left: 0, error: new Error("the registry is down") };
  const log: string[] = [];
  const happened: { event: string; waiting: () => void }[] = [];
  const done = (event: string) => {
    log.push(event);
    for (const entry of happened.filter((entry) => entry.event === event)) entry.waiting();
  };
  const registry: Registry = {
    ...memory,
    async register(service, registerOptions) {
      if (failures.left > 0) {
        failures.left--;
        done("refused");
        throw failures.error;
      }
      await memory.register(service, registerOptions);
      done("registered");
    },
    async deregister(service) {
      await memory.deregister(service);
      done("deregistered");
    },
  };
  const lines: string[] = [];
  const endpoints = [endpoint];
  const settings = serverSettings({
    name: "greeter",
    id: "one",
    version: "1.2",
    metadata: { region: "eu" },
    logger: newLogger({ write: (line) => lines.push(line) }),
    ...options,
  });
  const registration = newRegistration({
    settings,
    parts: { registry, broker: { name: "memory" } as Broker },
    address: "127.0.0.1:9090",
    metadata: { server: "mucp", protocol: "mucp", transport: "http" },
    endpoints: () => [...endpoints],
  });
  // Renewing keeps no process alive; in a server the listener does.
  const alive = setInterval(() => {}, 1_000);
  context.after(() => {
    clearInterval(alive);
    return registration.stop();
  });
  const nextTime = (event: string) => new Promise<void>((waiting) => happened.push({ event, waiting }));
  return { memory, registration, endpoints, failures, log, lines, nextTime };
}

test("the record is go-micro's, and stop removes it", async (context) => {
  const { memory, registration } = setUp(context);
  assert.equal(registration.registered, false);
  await registration.start();
  assert.equal(registration.registered, true);
  assert.deepEqual(await memory.getService("greeter"), [
    {
      name: "greeter",
      version: "1.2",
      metadata: {},
      endpoints: [endpoint],
      nodes: [
        {
          id: "greeter-one",
          address: "127.0.0.1:9090",
          metadata: {
            region: "eu",
            broker: "memory",
            registry: "memory",
            server: "mucp",
            protocol: "mucp",
            transport: "http",
          },
        },
      ],
    },
  ]);
  await registration.stop();
  await registration.stop();
  assert.equal(registration.registered, false);
  assert.deepEqual(await memory.getService("greeter"), []);
});

test("a registration that fails is tried three times at start and goes on by itself", async (context) => {
  const { registration, failures, log, lines, nextTime } = setUp(context, { registerIntervalMs: 10 });
  failures.left = 4;
  const registered = nextTime("registered");
  await registration.start();
  assert.deepEqual(log, ["refused", "refused", "refused"]);
  assert.equal(registration.registered, false);
  assert.equal(lines.filter((line) => /level=error.*the registry is down/.test(line)).length, 3);
  await registered;
  assert.deepEqual(log.slice(0, 5), ["refused", "refused", "refused", "refused", "registered"]);
});

test("a record that the registry can't carry ends the start, and later is only told", async (context) => {
  const refusal = badRequest("go.micro.registry", "no such names here");
  const refusing = setUp(context, { registerIntervalMs: 0 });
  refusing.failures.left = 1;
  refusing.failures.error = refusal;
  await assert.rejects(refusing.registration.start(), refusal);
  assert.deepEqual([refusing.log, refusing.lines], [["refused"], []]);
  const later = setUp(context, { registerIntervalMs: 5 });
  await later.registration.start();
  later.failures.left = 1;
  later.failures.error = refusal;
  await later.nextTime("refused");
  await later.nextTime("registered");
  assert.match(later.lines.join(), /registering greeter failed.*no such names here/);
});

test("the heartbeat renews, and with interval 0 there is none", async (context) => {
  const { registration, log, nextTime } = setUp(context, { registerIntervalMs: 5 });
  await registration.start();
  await nextTime("registered");
  await nextTime("registered");
  assert.ok(log.length >= 3);
  const once = setUp(context, { registerIntervalMs: 0 });
  await once.registration.start();
  await nextTime("registered");
  assert.deepEqual(once.log, ["registered"]);
});

test("new endpoints are registered at once, several together", async (context) => {
  const { memory, registration, endpoints, log, nextTime } = setUp(context, { registerIntervalMs: 0 });
  await registration.start();
  const again = nextTime("registered");
  for (const name of ["B.One", "B.Two"]) {
    endpoints.push({ ...endpoint, name });
    registration.refresh();
  }
  await again;
  const [service] = await memory.getService("greeter");
  assert.deepEqual(
    service?.endpoints.map(({ name }) => name),
    ["Greeter.Hello", "B.One", "B.Two"],
  );
  assert.deepEqual(log, ["registered", "registered"]);
});

test("while registerCheck fails the node is out of the registry, and comes back when it passes", async (context) => {
  let healthy = true;
  const { memory, registration, log, nextTime } = setUp(context, {
    registerIntervalMs: 5,
    registerCheck: async () => {
      if (!healthy) throw new Error("no database");
    },
  });
  await registration.start();
  healthy = false;
  await nextTime("deregistered");
  assert.equal(registration.registered, false);
  assert.deepEqual(await memory.getService("greeter"), []);
  healthy = true;
  const registered = nextTime("registered");
  await registered;
  assert.equal(log.at(-1), "registered");
  assert.equal((await memory.getService("greeter")).length, 1);
});

test("a slow registration can't bring back a node that was deregistered meanwhile", async (context) => {
  const memory = newMemoryRegistry({ addresses: [randomUUID()] });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const registration = newRegistration({
    settings: serverSettings({ name: "greeter", logger: newLogger({ write: () => {} }) }),
    parts: {
      broker: { name: "memory" } as Broker,
      registry: {
        ...memory,
        async register(service) {
          await held;
          await memory.register(service);
        },
      },
    },
    address: "127.0.0.1:9090",
    metadata: {},
    endpoints: () => [],
  });
  context.after(() => memory.close());
  const starting = registration.start();
  await new Promise(setImmediate);
  const stopping = registration.stop();
  release();
  await Promise.all([starting, stopping]);
  assert.equal(registration.registered, false);
  assert.deepEqual(await memory.getService("greeter"), []);
});

test("two servers never share an id", () => {
  assert.notEqual(serverSettings().id, serverSettings().id);
  assert.throws(
    () => serverSettings({ registerTtlMs: -1 }),
    /registerTtlMs must be milliseconds from 0 to 2147483647, is -1/,
  );
});

test("others get an address that they can dial", () => {
  assert.equal(advertisedAddress("", "10.0.0.5:9090"), "10.0.0.5:9090");
  assert.equal(advertisedAddress("greeter.example:80", "127.0.0.1:9090"), "greeter.example:80");
  assert.equal(advertisedAddress("greeter.example", "127.0.0.1:9090"), "greeter.example:9090");
  assert.equal(advertisedAddress("[2001:db8::1]:80", "127.0.0.1:9090"), "[2001:db8::1]:80");
  assert.match(advertisedAddress("", "0.0.0.0:9090"), /^(?!0\.0\.0\.0).+:9090$/);
});
