import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import { tables, wires } from "../../src/cmd/defaults.ts";
import { MicroError, notFound } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { init, PluginError } from "../../src/plugin/index.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { newService, type ServiceOptions } from "../../src/service.ts";
import { temporaryFolder } from "../plugin/support.ts";
import { signal } from "../server/start-server.ts";
import { lineClientWire, lineWire } from "./line-wire.ts";

const pluginUrl = new URL("line-wire.js", import.meta.url).href;

/** The tables are the process's: what one test plugs in must not stand beside the next one's defaults. */
function unplug(): void {
  for (const kind of ["client", "server"] as const) {
    delete tables[kind].line;
    delete wires[kind].line;
  }
}

/** A started service `Greeter.Hello` and a registry where others find it. Its lines are what it logged. */
async function greeter(options: ServiceOptions = {}) {
  const hub = randomUUID();
  const lines: string[] = [];
  const service = newService({
    name: "greeter",
    argv: [],
    env: {},
    root: temporaryFolder(),
    address: "127.0.0.1:0",
    registry: () => newMemoryRegistry({ addresses: [hub] }),
    drain: { propagationMs: 0 },
    logger: newLogger({ write: (line) => lines.push(line), level: "info" }),
    ...options,
  });
  after(() => service.stop());
  const entered = signal();
  const release = signal();
  service.handle("Greeter", {
    Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }),
    Fail: () => {
      throw notFound("greeter", "no such name");
    },
    Slow: async () => {
      entered.done();
      await release.promise;
      return "done";
    },
  });
  await service.start();
  const registry = newMemoryRegistry({ addresses: [hub] });
  after(() => registry.close());
  const [found] = await registry.getService("greeter");
  const node = found?.nodes[0];
  assert.ok(node !== undefined);
  return { service, registry, node, lines, entered, release };
}

const hello = { service: "greeter", endpoint: "Greeter.Hello", body: { name: "John" } };

test("a plugin's protocol joins the default server's port and the default client", async () => {
  after(unplug);
  const { registry, node, lines } = await greeter({ env: { MICRO_PLUGIN: pluginUrl } });
  assert.equal(node.metadata.protocol, "mucp", "what go-micro looks at");
  assert.equal(node.metadata.protocols, "mucp,mux,line");
  assert.equal(lines.filter((line) => line.includes("server mucp also speaks line")).length, 1);
  const line = newService({ argv: ["--client=line"], env: {}, registry });
  const mucp = newService({ argv: ["--client=mucp"], env: {}, registry });
  for (const service of [line, mucp]) {
    after(() => service.stop());
    await service.init();
    assert.deepEqual(await service.client.call(hello), { msg: "Hello John" });
    await assert.rejects(
      service.client.call({ service: "greeter", endpoint: "Greeter.Fail" }),
      (error) => MicroError.is(error) && error.code === 404 && error.detail === "no such name",
    );
  }
});

test("the default client speaks with each node what that node speaks", async () => {
  after(unplug);
  const { registry, node } = await greeter({
    argv: ["--server=line"],
    env: { MICRO_PLUGIN: pluginUrl },
  });
  assert.equal(node.metadata.protocol, "line");
  assert.equal(node.metadata.protocols, undefined);
  const caller = newService({ argv: [], env: {}, registry });
  after(() => caller.stop());
  await caller.init();
  assert.deepEqual(await caller.client.call(hello), { msg: "Hello John" });
  const server = newServer({ name: "greeter", address: "127.0.0.1:0", parts: { registry } });
  after(() => server.stop());
  server.handle(newHandler("Greeter", { Hello: () => ({ msg: "mucp" }) }));
  await server.start();
  const answers = new Set<string>();
  while (answers.size < 2) answers.add((await caller.client.call<{ msg: string }>(hello)).msg);
  assert.deepEqual([...answers].sort(), ["Hello John", "mucp"]);
});

test("a client or server that was chosen, by flag or in code, speaks its own protocol alone", async () => {
  after(unplug);
  for (const choice of [
    { argv: ["--server=mucp", "--client=mucp"] },
    { env: { MICRO_SERVER: "mucp", MICRO_CLIENT: "mucp" } },
    { server: "mucp", client: "mucp" },
    { server: newServer, client: newClient },
  ] satisfies ServiceOptions[]) {
    const { service, node, lines } = await greeter({
      ...choice,
      env: { MICRO_PLUGIN: pluginUrl, ...choice.env },
    });
    assert.equal(node.metadata.protocols, "mucp,mux");
    assert.ok(!lines.some((line) => line.includes("also speaks")));
    const other = { ...node, id: "other", address: "127.0.0.1:1", metadata: { protocol: "line" } };
    await service.registry.register({
      name: "other",
      version: "1",
      metadata: {},
      endpoints: [],
      nodes: [other],
    });
    await assert.rejects(
      service.client.call({ ...hello, service: "other" }),
      (error) => MicroError.is(error) && error.reason === "protocol-not-spoken",
    );
  }
});

test("over a transport that has no port, nothing joins", async () => {
  after(unplug);
  const { node } = await greeter({ argv: ["--transport=memory"], env: { MICRO_PLUGIN: pluginUrl } });
  assert.equal(node.metadata.protocols, undefined);
});

test("a package that the application depends on joins without a word, one that isn't installed is passed over", async () => {
  after(unplug);
  const root = temporaryFolder();
  const folder = join(root, "node_modules/@ts-micro/server-line");
  mkdirSync(folder, { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write("package.json", JSON.stringify({ name: "@ts-micro/server-line", type: "module", main: "index.js" }));
  write("index.js", `export { Plugin } from ${JSON.stringify(pluginUrl)};`);
  const dependencies = { "@ts-micro/server-line": "1", "@ts-micro/client-nothere": "1", "ts-micro": "1" };
  writeFileSync(join(root, "package.json"), JSON.stringify({ dependencies }));
  const { node } = await greeter({ root });
  assert.equal(node.metadata.protocols, "mucp,mux,line");
  unplug();
  const chosen = await greeter({ root, argv: ["--server=mucp"] });
  assert.equal(chosen.node.metadata.protocols, "mucp,mux");
});

test("a call over a protocol that joined ends well while the server stops", async () => {
  after(unplug);
  const { service, registry, entered, release } = await greeter({ env: { MICRO_PLUGIN: pluginUrl } });
  const client = newClient({ wires: [lineClientWire], parts: { registry } });
  after(() => client.close());
  const [record] = await registry.getService("greeter");
  const [node] = record?.nodes ?? [];
  assert.ok(record !== undefined && node !== undefined);
  // As if only that protocol were spoken there.
  await registry.register({ ...record, nodes: [{ ...node, metadata: { protocol: "line" } }] });
  const answer = client.call({ service: "greeter", endpoint: "Greeter.Slow" });
  await entered.promise;
  const stopped = service.stop();
  setImmediate(release.done);
  assert.equal(await answer, "done");
  await stopped;
});

test("what can't share a port is refused where it is given", () => {
  const { share: _, ...alone } = lineWire;
  assert.throws(() => newServer({ wires: [alone] }), /line can't share a port/);
  const newFunc = () => newServer();
  const problems = (type: "server" | "client" | "broker", wire: unknown): readonly string[] => {
    try {
      init({ name: "bad-wire", type, newFunc, wire } as never);
    } catch (error) {
      if (PluginError.is(error)) return error.problems;
    }
    return [];
  };
  assert.deepEqual(problems("server", alone), ["wire.share must be a method"]);
  assert.deepEqual(problems("client", { name: "", protocol: "a,b" }), [
    "wire.name must be a string",
    "wire.protocol must be a word without a comma",
    "wire.open must be a method",
  ]);
  assert.deepEqual(problems("broker", lineWire), ["wire is for clients and servers only"]);
  assert.deepEqual(problems("server", 1), ["wire must be an object"]);
});
