import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CommandOptions, readCommand } from "../../src/cmd/cmd.ts";
import { tables } from "../../src/cmd/index.ts";
import { HelpRequested, UsageError } from "../../src/errors.ts";
import { PluginError } from "../../src/plugin/index.ts";

function read(options: Partial<CommandOptions>) {
  return readCommand({ name: "test", argv: [], env: {}, ...options });
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-cmd-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A plugin file that writes its name into a list when it is imported. */
function writePlugin(folder: string, name: string, more = ""): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(
    path,
    `(globalThis.imported ??= []).push(${JSON.stringify(name)});
     export const Plugin = { name: ${JSON.stringify(name)}, type: "broker", newFunc: () => ({}) ${more} };`,
  );
  return path;
}

/** An installed package that is a plugin. */
function writePackage(root: string, name: string, source: string): void {
  const folder = join(root, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name, version: "1.0.0", type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(folder, "index.js"), source);
}

function imported(): string[] {
  const { imported: names } = globalThis as { imported?: string[] };
  return names ?? [];
}

test("plugins are loaded in order, MICRO_PLUGIN first, and stop at --", async (t) => {
  const folder = scratch(t);
  const [one, two, three, four] = ["order-one", "order-two", "order-three", "order-four"].map((name) =>
    writePlugin(folder, name),
  );
  const command = await read({
    env: { MICRO_PLUGIN: ` ${one} ,, ${two},` },
    argv: ["--plugin", String(three), "--broker=order-three", "--", `--plugin=${four}`],
  });
  assert.deepEqual(imported().slice(-3), ["order-one", "order-two", "order-three"]);
  assert.equal(command.choices.broker?.key, "order-three");
  assert.equal(command.choices.broker?.factory, tables.broker["order-three"]);
  assert.equal(tables.broker["order-four"], undefined);
});

test("a plugin that fails ends it; those before it stay", async (t) => {
  const folder = scratch(t);
  const good = writePlugin(folder, "before-failure");
  const bad = join(folder, "bad.mjs");
  writeFileSync(bad, "throw new Error('no luck')");
  await assert.rejects(read({ env: { MICRO_PLUGIN: `${good},${bad}` } }), (error) => {
    return PluginError.is(error) && error.phase === "import" && error.message.includes("no luck");
  });
  assert.ok("before-failure" in tables.broker);
});

test("a first-party package is found by its name from the application's root", async (t) => {
  const root = scratch(t);
  writePackage(
    root,
    "@ts-micro/broker-first",
    `export const Plugin = {
      name: "first", type: "broker", newFunc: () => ({}),
      flags: [{ name: "first_token", type: "string", usage: "Token", option: "token" }],
    };`,
  );
  const byFlag = await read({ root, argv: ["--broker", "first", "--first_token=x"] });
  assert.equal(byFlag.choices.broker?.key, "first");
  assert.deepEqual(
    byFlag.settings.map(({ kind, key, option, value }) => ({ kind, key, option, value })),
    [{ kind: "broker", key: "first", option: "token", value: "x" }],
  );

  writePackage(
    root,
    "@ts-micro/registry-second",
    `export const Plugin = { name: "second", type: "registry", newFunc: () => ({}) };`,
  );
  const inCode = await read({ root, names: { registry: "second" } });
  assert.equal(inCode.choices.registry, undefined);
  assert.ok("second" in tables.registry);
});

test("a first-party package that can't be used is told as what it is", async (t) => {
  const root = scratch(t);
  writePackage(root, "@ts-micro/broker-rotten", "throw new Error('rotten')");
  await assert.rejects(
    read({ root, env: { MICRO_BROKER: "rotten" } }),
    (error) => PluginError.is(error) && error.phase === "import" && error.message.includes("rotten"),
  );
});

test("an unknown name lists the plugins that are loaded, and the near miss", async (t) => {
  const plugin = writePlugin(scratch(t), "nearly");
  await assert.rejects(read({ argv: ["--plugin", plugin], env: { MICRO_BROKER: "neraly" } }), (error) => {
    assert.ok(PluginError.is(error));
    assert.match(error.message, /^Broker neraly not found: asked for by MICRO_BROKER; known: .*nearly/);
    assert.ok(error.message.includes(`broker nearly from ${plugin}`));
    assert.ok(error.message.includes("Did you mean nearly?"));
    return true;
  });
});

test("a name near one of ts-micro's packages is told as that; the name itself, as what to install", async (t) => {
  const root = scratch(t);
  for (const [kind, typed, meant] of [
    ["broker", "nat", "nats"],
    ["broker", "kafak", "kafka"],
    ["client", "grcp", "grpc"],
  ] as const) {
    await assert.rejects(read({ root, argv: [`--${kind}=${typed}`] }), (error) => {
      assert.ok(PluginError.is(error));
      assert.match(error.cure, new RegExp(`^Did you mean ${meant}\\? .*--plugin=`));
      assert.doesNotMatch(error.message, /npm install/);
      return true;
    });
    await assert.rejects(read({ root, argv: [`--${kind}=${meant}`] }), {
      cure: `Run: npm install @ts-micro/${kind}-${meant}`,
    });
  }
  await assert.rejects(read({ root, env: { MICRO_BROKER: "zeromq" } }), (error) => {
    assert.ok(PluginError.is(error));
    assert.match(error.message, /known: http, memory, .*rabbitmq/);
    assert.doesNotMatch(error.message, /npm install|Did you mean/);
    return true;
  });
});

test("help has the plugin's names; a limit for imports has to be a duration", async (t) => {
  const plugin = writePlugin(scratch(t), "helpful");
  await assert.rejects(read({ argv: ["--help", "--plugin", plugin] }), (error) => {
    return HelpRequested.is(error) && /--broker value .*helpful/.test(error.text);
  });
  await assert.rejects(read({ env: { MICRO_PLUGIN_TIMEOUT: "soon" } }), (error) => {
    return UsageError.is(error) && error.message.startsWith('MICRO_PLUGIN_TIMEOUT: "soon"');
  });
});

// Last, because such a plugin stays in the tables of this process.
test("a plugin's flag can't take the name of another", async (t) => {
  const flags = (name: string): string =>
    `, flags: [{ name: "${name}", type: "int", usage: "", option: "x" }]`;
  const folder = scratch(t);
  const plugin = writePlugin(folder, "greedy", flags("broker"));
  await assert.rejects(read({ argv: ["--plugin", plugin] }), (error) => {
    return PluginError.is(error) && error.message.includes("its flag --broker is another one's already");
  });
});
