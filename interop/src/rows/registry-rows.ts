/** The rows about finding each other, between services of ours and of go-micro, whichever registry the flags choose. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Service as MicroService, newService } from "ts-micro";
import type { Endpoint, Registry, Service } from "ts-micro/registry";
import { Greeter } from "../gen/greeter/greeter_pb.ts";
import { goCall } from "../go-client.ts";
import { type GoMicro, ours } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { type Running, run, serve } from "../program.ts";
import { until } from "../until.ts";

const ourProgram = fileURLToPath(new URL("../greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** As flags of both, and what must be known of the service then. */
const described = ["--server_version=1.2.3", "--server_metadata=color=red", "--server_address=127.0.0.1:0"];

export interface RegistryRowsOptions {
  /** Those that choose the registry. */
  flags(): readonly string[];
  /** The registry itself forgets who doesn't renew, and says so. */
  readonly leases: boolean;
}

/** A service as a process, until it is ended. */
type Serve = (name: string) => Promise<Running>;

/** Ours beside ours, and beside each of those versions. */
export function registryRows(versions: readonly GoMicro[], options: RegistryRowsOptions): void {
  for (const go of versions) {
    describe(`with ${go.toGo}`, { skip: go.program("registry").skip }, () => {
      rowsOfOurs(go.toGo, options, greeterOf(options, go.program("server").path));
      rowsOfGo(go, options);
    });
  }
  rowsOfOurs(ours, options, ourGreeterOf(options));
}

/** What our registry knows of those greeters. */
function rowsOfOurs(column: string, options: RegistryRowsOptions, serveGreeter: Serve): void {
  let looking: MicroService;
  let registry: Registry;
  before(async () => {
    looking = await ourService(options);
    registry = looking.registry;
  });
  after(() => looking.stop());

  test(`found and called: ${column}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    await until(async () => (await registry.getService(name)).length > 0);
    const greeter = looking.for(Greeter, { service: name, timeoutMs: 20_000 });
    assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
  });

  test(`with version, metadata and endpoints: ${column}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    await until(async () => (await registry.getService(name)).length > 0);
    checkDescription(name, await registry.getService(name));
  });

  test(`in the list of all services: ${column}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    await until(async () => (await registry.listServices()).some((service) => service.name === name));
  });

  for (const [row, end] of endings(options)) {
    test(`${row}: ${column}`, async () => {
      const name = newName();
      const watcher = await registry.watch({ service: name });
      const theirs = await serveGreeter(name);
      const told: string[] = [];
      for await (const { action, service } of watcher) {
        checkDescription(name, [service]);
        told.push(action);
        if (action === "delete") break;
        await end(theirs);
      }
      assert.deepEqual(told, ["create", "delete"]);
    });
  }

  test(`forgotten when it was killed: ${column}`, async () => {
    const name = newName();
    const theirs = await serveGreeter(name);
    await until(async () => (await registry.getService(name)).length > 0);
    await theirs[Symbol.asyncDispose]();
    await until(async () => (await registry.getService(name)).length === 0);
  });
}

/** What go-micro knows of greeters of ours. */
function rowsOfGo(go: GoMicro, options: RegistryRowsOptions): void {
  const { fromGo } = go;
  const { flags } = options;
  const serveGreeter = ourGreeterOf(options);

  test(`found and called: ${fromGo}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    const call = { service: name, endpoint: "Greeter.Hello", requests: [{ name: "John" }] };
    const outcome = await goCall(go.program("client"), call, flags());
    assert.deepEqual(outcome, { answers: [{ name: "Hello John" }], error: null, text: "" });
  });

  test(`with version, metadata and endpoints: ${fromGo}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    await until(async () => (await goKnows(name)).length > 0);
    checkDescription(name, await goKnows(name));
  });

  test(`in the list of all services: ${fromGo}`, async () => {
    const name = newName();
    await using _ = await serveGreeter(name);
    await until(async () => (await goRegistryPrints<string[]>("list")).includes(name));
  });

  for (const [row, end] of endings(options)) {
    test(`${row}: ${fromGo}`, async () => {
      const name = newName();
      await using watcher = await goWatcher(name);
      const greeter = await serveGreeter(name);
      await until(() => eventsOf(watcher).includes("create"));
      await end(greeter);
      await until(() => eventsOf(watcher).includes("delete"));
    });
  }

  test(`forgotten when it was killed: ${fromGo}`, async () => {
    const name = newName();
    const greeter = await serveGreeter(name);
    await until(async () => (await goKnows(name)).length > 0);
    await greeter[Symbol.asyncDispose]();
    // On Consul go-micro gives a version whose nodes are gone, without nodes.
    await until(async () => (await goKnows(name)).every(({ nodes }) => (nodes ?? []).length === 0));
  });

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
    await using probing = await ourService(options);
    const node = { id: `${name}-probe`, address: "127.0.0.1:9", metadata: {} };
    const probe: Service = { name, version: probeVersion, metadata: {}, endpoints: [], nodes: [node] };
    await until(
      () => eventsOf(watcher, probeVersion).length > 0,
      async () => {
        await probing.registry.register(probe, { ttlMs: 60_000 });
        await pause(50);
        await probing.registry.deregister(probe);
      },
    );
    return watcher;
  }
}

async function ourService({ flags }: RegistryRowsOptions): Promise<MicroService> {
  const env = { MICRO_LOG_LEVEL: "error" };
  const service = newService({ name: "interop.looking", root, argv: [...flags()], env });
  await service.init();
  return service;
}

function ourGreeterOf(options: RegistryRowsOptions): Serve {
  return greeterOf(options, process.execPath, [ourProgram], /also speaks grpc on \S+/);
}

/** Greeters that are forgotten two seconds after their end, where the registry knows of time. */
function greeterOf(
  { flags }: RegistryRowsOptions,
  path: string,
  args: readonly string[] = [],
  ready = /listening on \S+/,
): Serve {
  const lease = ["--register_ttl=2", "--register_interval=1"];
  return (name) => serve(path, [...args, ...flags(), ...described, ...lease], ready, { SERVICE: name });
}

/** Ways to end a greeter that watchers are told of, by their rows. */
function endings({ leases }: RegistryRowsOptions): [string, (greeter: Running) => Promise<void>][] {
  const inOrder = (greeter: Running): Promise<void> => greeter.end();
  const killed = (greeter: Running): Promise<void> => greeter[Symbol.asyncDispose]();
  const rows: [string, typeof killed][] = [["told when it comes, and when it goes", inOrder]];
  if (leases) rows.push(["told when its lease runs out", killed]);
  return rows;
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
