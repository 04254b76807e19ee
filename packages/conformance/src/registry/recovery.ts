import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Logger, type Service as MicroService, newLogger, newService } from "ts-micro";
import type { Registry, Service, Watcher } from "ts-micro/registry";
import type { ServerProcess } from "../servers/server-process.ts";

export interface RegistryRecoverySubject {
  /** A server of its own for each test. */
  start(): Promise<RegistryEngine>;
  supports?: Partial<RegistryRecoverySupports>;
  /** After what time a service is forgotten that doesn't register again, in milliseconds. @default the server part's own */
  registerTtlMs?: number;
  /** How long nothing may flap after the server is back, in milliseconds: rounds in which nodes are asked for. @default 0 */
  settleMs?: number;
  /** Why nothing is run, such as a missing server. @default false */
  skip?: false | string;
}

export interface RegistryEngine extends AsyncDisposable {
  /** What is killed. */
  readonly process: ServerProcess;
  /** Which keeps missing nodes for some seconds, and doesn't wait for a dead server for longer than two. */
  create(logger: Logger): Registry;
}

export interface RegistryRecoverySupports {
  /** Nodes that nobody renews are there after the server was killed. @default true */
  keepsNodes: boolean;
  /** The server can lose what it knows, or never has it. @default true */
  losesNodes: boolean;
  /** A registration that was refused for the outage is there after it. @default false */
  registersLater: boolean;
}

/** The suite of a registry on a server: what it does while that is dead, and when it comes back. */
export function registryRecovery(name: string, subject: RegistryRecoverySubject): void {
  const { skip = false, settleMs = 0 } = subject;
  const supports = { keepsNodes: true, losesNodes: true, registersLater: false, ...subject.supports };
  const logger = newLogger({ level: "fatal" });

  const suite = { skip, timeout: 170_000, concurrency: true };
  describe(`registry ${name}, when its server goes and comes back`, suite, () => {
    test("killed for 20 s in mid-traffic: no call fails, nothing flaps, watches go on", async () => {
      const [called, other] = [`recovery-${name}`, `recovery-${name}-other`];
      await using engine = await subject.start();
      const create = (): Registry => engine.create(logger);
      const server = engine.process;
      await using traffic = await startTraffic(called, create, subject.registerTtlMs);
      await using registry = create();
      if (supports.keepsNodes) await registry.register(serviceOf(other, "a"));
      const watched = record(await registry.watch({ service: called }));
      const bystander = record(await registry.watch({ service: other }));

      await server.kill();
      await refuses(registry, called, /^(connection-failed|connection-lost|not-connected)$/);
      await assert.rejects(registry.register(serviceOf(other, "b")), { code: 503 });
      await assert.rejects(registry.watch(), { code: 503 });
      await pause(20_000);
      await refuses(registry, called, /^(connection-failed|not-connected)$/);
      await traffic.callsGoOn();
      await server.start();

      await until("the node is there", async () => (await found(registry, called)).length === 1);
      await registry.register(serviceOf(other, "c"));
      await until("the watch goes on", () => bystander.includes("create c"));
      await traffic.callsGoOn();
      await pause(settleMs);
      const refused = supports.registersLater ? ["create b"] : [];
      assert.deepEqual(bystander.toSorted(), [...refused, "create c"]);
      assert.deepEqual(watched, []);
      if (supports.keepsNodes) assert.ok((await found(registry, other)).includes("a"));
      await traffic.stop();
      await until("the end of the service is told", () => watched.length > 0);
      assert.match(watched.join(), /^delete /);
      assert.deepEqual(traffic.failures, []);
    });

    if (!supports.losesNodes) return;
    test("back without its data: services register again, only those that don't are given up", async () => {
      const called = `recovery-${name}-empty`;
      await using engine = await subject.start();
      const create = (): Registry => engine.create(logger);
      const server = engine.process;
      await using traffic = await startTraffic(called, create, subject.registerTtlMs);
      await using registry = create();
      // Written last, so that a new store may well pass its revision.
      await registry.register(serviceOf(called, "gone"));
      const watched = record(await registry.watch({ service: called }));

      await server.kill();
      await server.start({ empty: true });
      await until("the service is there again", async () => (await found(registry, called)).length === 1);
      await until("the other node is given up", () => watched.length > 0);
      await traffic.callsGoOn();
      assert.deepEqual(watched, ["delete gone"]);
      assert.equal((await found(registry, called)).length, 1);
      await registry.register(serviceOf(called, "new"));
      await until("the watch goes on", () => watched.length > 1);
      assert.deepEqual(watched, ["delete gone", "create new"]);
    });
  });
}

interface Traffic extends AsyncDisposable {
  readonly failures: readonly string[];
  /** Resolves after further calls that went well. */
  callsGoOn(): Promise<void>;
  /** Ends the calls and both services. */
  stop(): Promise<void>;
}

/** A service and its caller, each with a registry of its own, while calls go on. Resolves after the first one. */
async function startTraffic(
  name: string,
  registry: () => Registry,
  registerTtlMs: number | undefined,
): Promise<Traffic> {
  const logger = newLogger({ level: "fatal" });
  const times = { registerIntervalMs: 500, ...(registerTtlMs !== undefined && { registerTtlMs }) };
  const partOptions = { server: { address: "127.0.0.1:0", ...times, logger } };
  const services: [MicroService, MicroService] = [
    newService({ name, registry, partOptions, logger, argv: [], env: {} }),
    newService({ name: `${name}-caller`, registry, logger, argv: [], env: {} }),
  ];
  const [greeter, caller] = services;
  greeter.handle("Greeter", { Hello: (person: { name: string }) => ({ msg: `Hello ${person.name}` }) });
  await greeter.start();
  const failures: string[] = [];
  let [calls, going] = [0, true];
  const loop = (async () => {
    while (going) {
      const call = { service: name, endpoint: "Greeter.Hello", body: { name: "John" } };
      await caller.client.call(call).then(
        () => calls++,
        (error) => failures.push(String(error)),
      );
      await pause(5);
    }
  })();
  async function stop(): Promise<void> {
    going = false;
    await loop;
    await Promise.all(services.map((service) => service.stop()));
  }
  async function callsGoOn(): Promise<void> {
    const before = calls;
    await until("further calls", () => calls > before + 10);
  }
  const traffic: Traffic = { failures, callsGoOn, stop, [Symbol.asyncDispose]: stop };
  try {
    await callsGoOn();
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return traffic;
}

async function refuses(registry: Registry, name: string, reason: RegExp): Promise<void> {
  await assert.rejects(registry.getService(name), { code: 503, reason });
}

function serviceOf(name: string, id: string): Service {
  const node = { id: `${name}-${id}`, address: "10.0.0.1:8000", metadata: {} };
  return { name, version: "1.0.0", metadata: {}, endpoints: [], nodes: [node] };
}

/** What the watcher tells, as `create a`. */
function record(watcher: Watcher): string[] {
  const told: string[] = [];
  void (async () => {
    for await (const { action, service } of watcher) {
      for (const { id } of service.nodes) told.push(`${action} ${id.slice(service.name.length + 1)}`);
    }
  })().catch((error) => told.push(String(error)));
  return told;
}

/** The last parts of the ids of the nodes that are found; none while nobody can be asked. */
async function found(registry: Registry, name: string): Promise<string[]> {
  const services = await registry.getService(name).catch(() => []);
  return services.flatMap(({ nodes }) => nodes.map(({ id }) => id.slice(name.length + 1)));
}

/** Asks until it holds. The longest wait only ends a hang. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const stopAt = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > stopAt) assert.fail(`in vain: ${what}`);
    await pause(20);
  }
}
