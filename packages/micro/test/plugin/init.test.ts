import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { defaultBrokers, defaultClients, tables } from "../../src/cmd/defaults.ts";
import { kindNames } from "../../src/kinds.ts";
import { init, initialisedPlugins, load, loadAll, type PluginConfig } from "../../src/plugin/index.ts";
import { brokerFactory, brokerPlugin, temporaryFolder, writeFiles } from "./support.ts";

const folder = temporaryFolder();
const at = (path: string): string => join(folder, path);
const broker = (name: string, more: object = {}): PluginConfig<"broker"> => ({
  name,
  type: "broker",
  newFunc: () => newMemoryBroker(),
  ...more,
});

test("initialising writes the factory into the table of its kind, for each kind", () => {
  for (const type of kindNames) {
    const newFunc = (): never => assert.fail("initialising constructs nothing");
    init({ name: "mine", type, newFunc } as PluginConfig);
    assert.equal(tables[type].mine, newFunc);
  }
});

test("loading changes nothing; the same config from the same module again does nothing", async () => {
  writeFiles(folder, { "once.mjs": brokerPlugin("once") });
  symlinkSync(at("once.mjs"), at("also-once.mjs"));
  const config = await load(at("once.mjs"));
  assert.equal(defaultBrokers.once, undefined);
  const before = initialisedPlugins().length;
  init(config);
  init(config);
  init(await load(at("also-once.mjs")));
  assert.equal(defaultBrokers.once, config.newFunc);
  assert.deepEqual(
    initialisedPlugins()
      .slice(before)
      .map(({ type, name, from }) => [type, name, from]),
    [["broker", "once", at("once.mjs")]],
  );
});

test("a module that makes its config anew each time is still the same module", async () => {
  writeFiles(folder, {
    "anew.cjs": `Object.defineProperty(exports, "Plugin", { enumerable: true,
  get: () => ({ name: "anew", type: "broker", newFunc: () => undefined }) });`,
  });
  init(await load(at("anew.cjs")));
  const present = defaultBrokers.anew;
  init(await load(at("anew.cjs")));
  assert.equal(defaultBrokers.anew, present);
});

test("a name that another module has is an error that names both", async () => {
  writeFiles(folder, { "first.mjs": brokerPlugin("contested"), "second.mjs": brokerPlugin("contested") });
  init(await load(at("first.mjs")));
  const second = await load(at("second.mjs"));
  assert.throws(() => init(second), {
    code: "PLUGIN_NAME_TAKEN",
    phase: "register",
    path: at("second.mjs"),
    message: `Invalid plugin contested: the broker contested comes from ${at("first.mjs")} already. Give the plugin another name, or set override: true in its config to replace that one. (plugin ${at("second.mjs")}, phase register, PLUGIN_NAME_TAKEN)`,
  });
  assert.throws(() => init(broker("memory")), { message: /comes from ts-micro itself already/ });
  defaultBrokers["by-hand"] = () => newMemoryBroker();
  assert.throws(() => init(broker("by-hand")), { message: /comes from the program itself already/ });
});

test("override: true replaces, and a second service that initialises the same plugins changes nothing", async () => {
  writeFiles(folder, {
    "base.mjs": brokerPlugin("replaced"),
    "better.mjs": brokerPlugin("replaced", ", override: true"),
    "best.mjs": brokerPlugin("replaced", ", override: true"),
  });
  const configs = await Promise.all(["base", "better", "best"].map((name) => load(at(`${name}.mjs`))));
  for (const _service of [1, 2]) {
    for (const config of configs) init(config);
    assert.equal(defaultBrokers.replaced, configs[2]!.newFunc);
  }
  init(broker("memory", { override: true }));
  assert.notEqual(defaultBrokers.memory, newMemoryBroker);
});

test("what was taken out of a table by hand comes back", () => {
  const config = broker("removed");
  init(config);
  delete defaultBrokers.removed;
  init(config);
  assert.equal(defaultBrokers.removed, config.newFunc);
});

test("the same name in another kind is another plugin", async () => {
  writeFiles(folder, {
    "kinds.mjs": `${brokerFactory()}
export const Plugin = ["broker", "client"].map((type) => ({ name: "two-kinds", type, newFunc: newBroker }));`,
  });
  for (const config of await loadAll(at("kinds.mjs"))) init(config);
  assert.ok(defaultBrokers["two-kinds"] && defaultClients["two-kinds"]);
});

test("init checks what it is given, with go-micro's words", () => {
  const wrong: [unknown, string, RegExp][] = [
    [{ name: "x", type: "auth", newFunc() {} }, "PLUGIN_TYPE_UNKNOWN", /^Unknown plugin type: auth for x /],
    [{ name: "x", type: "broker", newFunc: "newBroker" }, "PLUGIN_NEW_FUNC_INVALID", /^Invalid plugin x: /],
    [
      undefined,
      "PLUGIN_NOT_A_CONFIG",
      /^could not cast Plugin object: Plugin is undefined\..*\(plugin in the program,/,
    ],
    [
      { name: "constructor", type: "toString", newFunc() {} },
      "PLUGIN_TYPE_UNKNOWN",
      /^Unknown plugin type: toString/,
    ],
  ];
  for (const [config, code, message] of wrong) {
    assert.throws(() => init(config as PluginConfig), { code, phase: "register", message });
  }
});

test("a name that every object has is only a name", () => {
  assert.equal(defaultBrokers.constructor, undefined);
  const config = broker("constructor");
  init(config);
  assert.equal(defaultBrokers.constructor, config.newFunc);
});

test("a plugin that was imported by the program says its own path", () => {
  init(broker("imported", { path: "@acme/broker-imported" }));
  assert.equal(initialisedPlugins().at(-1)!.from, "@acme/broker-imported");
});
