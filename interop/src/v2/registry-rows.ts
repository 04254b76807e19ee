/** The rows about finding each other, between services of ours and of go-micro, whichever registry the flags choose. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Service as MicroService, newService } from "ts-micro";
import type { Endpoint, Registry, Service } from "ts-micro/registry";
import type { GoMicro } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { type Running, run, serve } from "../program.ts";
import { until } from "../until.ts";

const ourProgram = fileURLToPath(new URL("greeter-program.js", import.meta.url));

/** As flags of both, and what must be known of the service then. */
const described = ["--server_version=1.2.3", "--server_metadata=color=red", "--server_address=127.0.0.1:0"];

/**
 * @param flags those that choose the registry
 * @param leases the registry itself forgets who doesn't renew, and says so
 */
export function registryRows(
  go: GoMicro,
  flags: () => readonly string[],
  { leases }: { leases: boolean },
): void {
  const { toGo, fromGo } = go;
  let looking: MicroService;
  let registry: Registry;
  before(async () => {
    looking = await ourService("interop.looking");
    registry = looking.registry;
  });
  after(() => looking.stop());

  test(`with version, metadata and endpoints: ${toGo}`, async () => {
    const name = newName();
    await using _ = await goGreeter(name);
    await until(async () => (await registry.getService(name)).length > 0);
    checkDescription(name, await registry.getService(name));
  });

  test(`with version, metadata and endpoints: ${fromGo}`, async () => {
    const name = newName();
    await using _ = await ourGreeter(name);
    await until(async () => (await goKnows(name)).length > 0);
    checkDescription(name, await goKnows(name));
  });

  test(`in the list of all services: ${toGo}`, async () => {
    const name = newName();
    await using _ = await goGreeter(name);
    await until(async () => (await registry.listServices()).some((service) => service.name === name));
  });

  test(`in the list of all services: ${fromGo}`, async () => {
    const name = newName();
    await using _ = await ourGreeter(name);
    await until(async () => (await goRegistryPrints<string[]>("list")).includes(name));
  });

  test(`told when it comes, and when it goes: ${toGo}`, async () => {
    const name = newName();
    const watcher = await registry.watch({ service: name });
    const theirs = await goGreeter(name);
    const told: string[] = [];
    for await (const { action, service } of watcher) {
      checkDescription(name, [service]);
      told.push(action);
      if (action === "delete") break;
      await theirs.end();
    }
    assert.deepEqual(told, ["create", "delete"]);
  });

  test(`told when it comes, and when it goes: ${fromGo}`, async () => {
    const name = newName();
    await using watcher = await goWatcher(name);
    const ours = await ourGreeter(name);
    await until(() => eventsOf(watcher).includes("create"));
    await ours.end();
    await until(() => eventsOf(watcher).includes("delete"));
  });

  test(`forgotten when it was killed: ${toGo}`, async () => {
    const name = newName();
    const theirs = await goGreeter(name);
    await until(async () => (await registry.getService(name)).length > 0);
    await theirs[Symbol.asyncDispose]();
    await until(async () => (await registry.getService(name)).length === 0);
  });

  test(`forgotten when it was killed: ${fromGo}`, async () => {
    const name = newName();
    const ours = await ourGreeter(name);
    await until(async () => (await goKnows(name)).length > 0);
    await ours[Symbol.asyncDispose]();
    // On Consul go-micro gives a version whose nodes are gone, without nodes.
    await until(async () => (await goKnows(name)).every(({ nodes }) => (nodes ?? []).length === 0));
  });

  if (leases) {
    test(`told when its lease runs out: ${toGo}`, async () => {
      const name = newName();
      const watcher = await registry.watch({ service: name });
      const theirs = await goGreeter(name);
      const told: string[] = [];
      for await (const { action } of watcher) {
        told.push(action);
        if (action === "delete") break;
        await theirs[Symbol.asyncDispose]();
      }
      assert.deepEqual(told, ["create", "delete"]);
    });

    test(`told when its lease runs out: ${fromGo}`, async () => {
      const name = newName();
      await using watcher = await goWatcher(name);
      const ours = await ourGreeter(name);
      await until(() => eventsOf(watcher).includes("create"));
      await ours[Symbol.asyncDispose]();
      await until(() => eventsOf(watcher).includes("delete"));
    });
  }

  async function ourService(name: string): Promise<MicroService> {
    const service = newService({ name, argv: [...flags()], env: { MICRO_LOG_LEVEL: "error" } });
    await service.init();
    return service;
  }

  /** Greeters that are forgotten two seconds after their end, where the registry knows of time. */
  function greeter(path: string, args: readonly string[], ready: RegExp, name: string): Promise<Running> {
    const lease = ["--register_ttl=2", "--register_interval=1"];
    return serve(path, [...args, ...flags(), ...described, ...lease], ready, { SERVICE: name });
  }

  function goGreeter(name: string): Promise<Running> {
    return greeter(go.program("server").path, [], /listening on \S+/, name);
  }

  function ourGreeter(name: string): Promise<Running> {
    return greeter(process.execPath, [ourProgram], /also speaks grpc on \S+/, name);
  }

  async function goRegistryPrints<T>(verb: string, name = ""): Promise<T> {
    const { code, stdout, stderr } = await run(go.program("registry").path, [verb, ...flags()], "", {
      SERVICE: name,
    });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) ?? [];
  }

  function goKnows(name: string): Promise<Service[]> {
    return goRegistryPrints("get", name);
  }

  /** Its "watching" may be early: it is one when it has told of something. */
  async function goWatcher(name: string): Promise<Running> {
    const watcher = await serve(go.program("registry").path, ["watch", ...flags()], /^watching$/m, {
      SERVICE: name,
    });
    const node = { id: `${name}-probe`, address: "127.0.0.1:9", metadata: {} };
    const probe: Service = { name, version: probeVersion, metadata: {}, endpoints: [], nodes: [node] };
    await until(
      () => eventsOf(watcher, probeVersion).length > 0,
      async () => {
        await registry.register(probe, { ttlMs: 60_000 });
        await pause(50);
        await registry.deregister(probe);
      },
    );
    return watcher;
  }
}

const probeVersion = "probe";

/** What a watching Go program was told of that version. */
function eventsOf(watcher: Running, version = "1.2.3"): string[] {
  return [...watcher.printed().stdout.matchAll(/^\{.*\}$/gm)]
    .map(([line]) => JSON.parse(line) as { Action: string; Service: Service })
    .filter(({ Service }) => Service.version === version)
    .map(({ Action }) => Action);
}

function checkDescription(name: string, services: readonly Service[]): void {
  assert.equal(services.length, 1);
  const [service] = services;
  assert.deepEqual([service?.name, service?.version], [name, "1.2.3"]);
  assert.equal(service?.nodes.length, 1);
  const [node] = service.nodes;
  assert.match(node?.id ?? "", new RegExp(`^${name}-`));
  assert.match(node?.address ?? "", /^127\.0\.0\.1:\d+$/);
  assert.equal(node?.metadata.color, "red");
  assert.ok(["grpc", "mucp"].includes(node?.metadata.protocol ?? ""));
  const find = (endpoint: string): Endpoint | undefined =>
    service.endpoints.find((each) => each.name === endpoint);
  assert.ok(find("Greeter.Hello")?.request?.type.endsWith("Greeting"));
  assert.equal(find("Greeter.Count")?.metadata.stream, "true");
}
