import assert from "node:assert/strict";
import { test } from "node:test";
import * as plugin from "../../src/plugin/index.ts";

test("newPlugin has go-micro's methods, and the package's functions use a replaceable default", async () => {
  const { newPlugin, setDefaultPlugin } = plugin;
  const original = plugin.defaultPlugin;
  assert.deepEqual(Object.keys(newPlugin()).sort(), ["build", "generate", "init", "load", "loadAll"]);
  const calls: unknown[][] = [];
  const config = { name: "x", type: "broker", newFunc: () => assert.fail() } as plugin.PluginConfig;
  const result = { path: "", bytes: 0, warnings: [] };
  const record = <T>(result: T, ...call: unknown[]): T => {
    calls.push(call);
    return result;
  };
  const recording: plugin.Plugin = {
    init: (...words) => record(undefined, "init", ...words),
    load: async (...words) => record(config, "load", ...words),
    loadAll: async (...words) => record([config], "loadAll", ...words),
    build: async (...words) => record(result, "build", ...words),
    generate: async (...words) => record(undefined, "generate", ...words),
  };
  setDefaultPlugin(recording);
  try {
    assert.equal(plugin.defaultPlugin, recording);
    plugin.init(config);
    assert.equal(await plugin.load("a", { timeoutMs: 1 }), config);
    assert.deepEqual(await plugin.loadAll("b"), [config]);
    assert.equal(await plugin.build("c", { path: "p" }), result);
    await plugin.generate("d", { path: "q" }, { root: "r" });
  } finally {
    setDefaultPlugin(original);
  }
  assert.deepEqual(calls, [
    ["init", config],
    ["load", "a", { timeoutMs: 1 }],
    ["loadAll", "b", undefined],
    ["build", "c", { path: "p" }, undefined],
    ["generate", "d", { path: "q" }, { root: "r" }],
  ]);
});
