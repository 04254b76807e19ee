/**
 * Each way for a plugin to be broken is one readable line with the right code, phase and cure, whether it shows
 * when the plugin is resolved, read, imported, looked up, checked, registered or constructed.
 */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tables } from "../../src/cmd/defaults.ts";
import type { Kind } from "../../src/kinds.ts";
import { construct, init, loadAll, PluginError } from "../../src/plugin/index.ts";
import { type BrokenPlugin, brokenPlugins, writeBrokenPlugin } from "./broken-plugins.ts";
import { brokerPlugin, writeFiles } from "./plugin-texts.ts";
import { temporaryFolder } from "./support.ts";

const folder = temporaryFolder();

/** What a service does with a plugin that is named and chosen. */
async function use(path: string, timeoutMs = 20_000): Promise<void> {
  for (const plugin of await loadAll(path, { root: folder, timeoutMs })) {
    init(plugin);
    const type: Kind = plugin.type;
    const factory = tables[type][plugin.name];
    construct("broker", plugin.name, factory as (typeof tables)["broker"][string], {});
  }
}

for (const broken of brokenPlugins) {
  test(`${broken.name} gives ${broken.code} in phase ${broken.phase}`, async () => {
    const path = writeBrokenPlugin(broken, folder);
    const timeoutMs = broken.code === "PLUGIN_IMPORT_TIMEOUT" ? 200 : 20_000;
    assertBroken(await use(path, timeoutMs).catch((error: unknown) => error), path, broken);
  });
}

test("a file that another user may not read gives PLUGIN_UNREADABLE in phase read", async () => {
  const path = join(folder, "secret.mjs");
  writeFiles(folder, { "secret.mjs": brokerPlugin("secret") });
  chmodSync(folder, 0o755);
  chmodSync(path, 0o000);
  const thrown = await asNobody(() => use(path).catch((error: unknown) => error));
  assertBroken(thrown, path, {
    name: "",
    phase: "read",
    code: "PLUGIN_UNREADABLE",
    message:
      /^can't read .*secret\.mjs: EACCES: permission denied.*\. Give the user that runs the program permission to read it\./,
  });
});

function assertBroken(thrown: unknown, path: string, { phase, code, message }: BrokenPlugin): void {
  assert.ok(PluginError.is(thrown), `no PluginError but ${String(thrown)}`);
  assert.deepEqual([thrown.code, thrown.phase, thrown.path], [code, phase, path], thrown.message);
  assert.match(thrown.message, message);
  assert.ok(thrown.message.endsWith(` (plugin ${path}, phase ${phase}, ${code})`), thrown.message);
  assert.ok(thrown.cure.length > 10, "it says what to do");
  assert.doesNotMatch(thrown.message, /[\r\n]|\.\. |: \. /, "it is one clean line");
}

/** Root may read everything, so root becomes somebody else for a while. */
async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
