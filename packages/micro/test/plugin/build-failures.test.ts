import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { build, PluginError } from "../../src/plugin/index.ts";
import {
  brokerFactory,
  brokerPlugin,
  inFolder,
  packageFolder,
  pluginUrl,
  runNode,
  temporaryFolder,
  withEnvironment,
  writeFiles,
} from "./support.ts";

const folder = temporaryFolder();
const at = (path: string): string => join(folder, path);

test("what can't be built says why, with esbuild's own words, and leaves nothing behind", async () => {
  const files: Record<string, string | object> = {
    "good.ts": brokerFactory(),
    "misspelt.ts": `import { MicroEror } from "ts-micro";\nexport const newBroker = () => MicroEror;`,
    "subpath.ts": `import "ts-micro/brokr";`,
    "inside.ts": `import "ts-micro/dist/src/errors.js";`,
    "syntax.ts": "\nexport const = 1;",
    "missing.ts": `import "not-installed-here";`,
    "native.ts": `import "./addon.node";`,
    "addon.node": "",
    "bindings.ts": `import bindings from "bindings"; export default bindings("x");`,
    "asset.ts": `import "./asset.bin";`,
    "asset.bin": "",
    "throws.ts": "throw new Error('at import');\nexport const Plugin = 1;",
    "exits.ts": `process.exit(3);\n${brokerPlugin("exits")}`,
    "class.ts": "export class newBroker {}",
    "nothing.ts": "export const other = 1;",
    "list.ts": "export const Plugin = [];",
  };
  const whole = { name: "x", type: "broker", newFunc: "newBroker" };
  const cases: [Partial<typeof whole> & { path: string }, string, RegExp][] = [
    [
      { ...whole, path: "./good.ts", newFunc: "newBrokr" },
      "PLUGIN_BUILD_FAILED",
      /No matching export in "good\.ts" for import "newBrokr"\. Give newFunc the name of an export of the source\./,
    ],
    [
      { ...whole, path: "./misspelt.ts" },
      "PLUGIN_BUILD_FAILED",
      /misspelt\.ts:1:9: No matching export in "ts-micro-host:ts-micro" for import "MicroEror"/,
    ],
    [
      { ...whole, path: "./subpath.ts" },
      "PLUGIN_BUILD_FAILED",
      /subpath\.ts:1:7: ts-micro has no "ts-micro\/brokr", it has ts-micro, .*ts-micro\/transport/,
    ],
    [
      { ...whole, path: "./inside.ts" },
      "PLUGIN_BUILD_FAILED",
      /ts-micro has no "ts-micro\/dist\/src\/errors\.js"/,
    ],
    [
      { ...whole, path: "./syntax.ts" },
      "PLUGIN_BUILD_FAILED",
      /syntax\.ts:2:13: Expected identifier but found "="/,
    ],
    [
      { ...whole, path: "./missing.ts" },
      "PLUGIN_BUILD_FAILED",
      /missing\.ts:1:7: Could not resolve "not-installed-here"/,
    ],
    [
      { ...whole, path: "./native.ts" },
      "PLUGIN_NATIVE_ADDON",
      /\.\/addon\.node brings a native addon, which can't be part of one file\. Don't build it/,
    ],
    [{ ...whole, path: "./bindings.ts" }, "PLUGIN_NATIVE_ADDON", /bindings brings a native addon/],
    [{ ...whole, path: "./asset.ts" }, "PLUGIN_BUILD_FAILED", /No loader is configured for "\.bin" files/],
    [{ path: "./throws.ts" }, "PLUGIN_IMPORT_FAILED", /importing threw at import/],
    [{ path: "./exits.ts" }, "PLUGIN_IMPORT_FAILED", /importing ended the process with code 3/],
    [{ ...whole, path: "./class.ts" }, "PLUGIN_NEW_FUNC_INVALID", /newFunc is a class/],
    [
      { path: "./nothing.ts" },
      "PLUGIN_NOT_A_CONFIG",
      /Plugin is undefined\. Export Plugin from the source, or give name, type and newFunc\./,
    ],
    [{ path: "./list.ts" }, "PLUGIN_NOT_A_CONFIG", /Plugin is an empty list/],
    [{ path: "./good.ts", newFunc: "newBroker" }, "PLUGIN_NOT_A_CONFIG", /name is missing; type is missing/],
    [
      { path: "./good.ts", name: "A B", type: "borker", newFunc: "new-broker" },
      "PLUGIN_SOURCE_INVALID",
      /^Invalid plugin A B: Unknown plugin type: borker for A B \(did you mean broker\?\); name is "A B" .*; newFunc is "new-broker" and must be/,
    ],
    [{ path: "" }, "PLUGIN_SOURCE_INVALID", /path must name a package or a source file/],
  ];
  writeFiles(at("wrong"), files);
  await inFolder(at("wrong"), async () => {
    for (const [source, code, message] of cases) {
      const thrown = await build("./out/x", source).catch((error: unknown) => error);
      assert.ok(PluginError.is(thrown), `${source.path}: ${String(thrown)}`);
      assert.deepEqual([thrown.code, thrown.phase], [code, "build"], thrown.message);
      assert.match(thrown.message, message);
      assert.doesNotMatch(thrown.message, /\n/);
    }
    await assert.rejects(build("./out/x", { path: "./none.ts" }), {
      code: "PLUGIN_NOT_FOUND",
      phase: "resolve",
    });
    await assert.rejects(build("./out/", { path: "./good.ts" }), { code: "PLUGIN_SOURCE_INVALID" });
    await assert.rejects(build(".so", { path: "./good.ts" }), { code: "PLUGIN_SOURCE_INVALID" });
  });
  assert.ok(!existsSync(at("wrong/out")), "no folder was made for what could not be built");
});

test("a source whose import never ends is stopped, even while it loops", async () => {
  writeFiles(at("endless"), {
    "hangs.ts": `await new Promise(() => {});\n${brokerPlugin("hangs")}`,
    "loops.ts": `for (;;) {}\n${brokerPlugin("loops")}`,
  });
  await withEnvironment({ MICRO_PLUGIN_TIMEOUT: "300ms" }, async () => {
    for (const name of ["hangs", "loops"]) {
      await assert.rejects(build(at("endless/out"), { path: at(`endless/${name}.ts`) }), {
        code: "PLUGIN_IMPORT_TIMEOUT",
        phase: "build",
        message: /^importing did not end within 300ms\./,
      });
    }
  });
});

test("a target that can't be written is an error, and no temporary file stays", async () => {
  writeFiles(folder, { "target.ts": brokerPlugin("target"), "taken/x.mjs/file": "", "a-file": "" });
  await assert.rejects(build(at("taken/x"), { path: at("target.ts") }), {
    code: "PLUGIN_WRITE_FAILED",
    phase: "build",
  });
  assert.ok(!readdirSync(at("taken")).some((name) => name.endsWith(".tmp")));
  await assert.rejects(build(at("a-file/x"), { path: at("target.ts") }), { code: "PLUGIN_WRITE_FAILED" });
});

test("what the plugin prints or leaves open while it is built stays out of the builder", async () => {
  writeFiles(folder, {
    "noisy.mjs": `console.log("noise"); console.error("noise"); setInterval(() => {}, 1000);\n${brokerPlugin("noisy")}`,
  });
  const program = `const { build } = await import(${JSON.stringify(pluginUrl)});
console.log((await build(${JSON.stringify(at("noisy/noisy"))}, { path: ${JSON.stringify(at("noisy.mjs"))} })).warnings.length);`;
  const ran = await runNode(["--input-type=module", "-e", program]);
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, "0\n", ""]);
});

test("without esbuild, building says what to install, and loading works", async () => {
  const copy = join(temporaryFolder(), "node_modules/ts-micro");
  mkdirSync(copy, { recursive: true });
  cpSync(join(packageFolder, "dist/src"), join(copy, "dist/src"), { recursive: true });
  cpSync(join(packageFolder, "package.json"), join(copy, "package.json"));
  writeFiles(copy, { "plugin.mjs": brokerPlugin("plain") });
  const program = `import { build, load } from "ts-micro/plugin";
console.log((await load("./plugin.mjs")).name);
await build("./out", { path: "./plugin.mjs" }).catch((error) => console.log(error.code, error.message));`;
  const ran = await runNode(["--input-type=module", "-e", program], { cwd: copy });
  assert.match(
    ran.stdout,
    /^plain\nPLUGIN_BUILD_TOOL_MISSING building a plugin needs esbuild: .* Run: npm install --save-dev esbuild \(plugin/,
    ran.stderr,
  );
});

test("killed in mid-build, the target is whole, old or absent; a rebuild replaces it in one step", async () => {
  // Big enough that writing it takes a while.
  const filler = (mark: string): string =>
    `export const filler = ${JSON.stringify(mark.repeat(8_000_000))};\n`;
  writeFiles(at("killed"), {
    "old.mjs": filler("o") + brokerPlugin("killed"),
    "new.mjs": filler("n") + brokerPlugin("killed"),
  });
  const target = at("killed/out/killed.mjs");
  const whole: (string | undefined)[] = [undefined];
  for (const name of ["old", "new"]) {
    const reference = await build(at(`killed/reference/${name}/killed`), { path: at(`killed/${name}.mjs`) });
    whole.push(readFileSync(reference.path, "utf8"));
  }
  mkdirSync(at("killed/out"));
  const killedWhileWriting = (): boolean =>
    readdirSync(dirname(target)).some((name) => name.endsWith(".tmp"));
  for (let round = 0; round < 8 || (!killedWhileWriting() && round < 40); round++) {
    await killedBuild(target, at(`killed/${round % 2 === 0 ? "old" : "new"}.mjs`), round % 8);
    const text = existsSync(target) ? readFileSync(target, "utf8") : undefined;
    assert.ok(
      whole.includes(text),
      `round ${round}: the target holds ${text?.length} characters of nothing known`,
    );
  }
  assert.ok(killedWhileWriting(), "at least one build was killed while it wrote");
});

/** Starts a build and kills it: after its first sign of life in the target's folder, a little later each round. */
function killedBuild(target: string, source: string, round: number): Promise<void> {
  const program = `const { build } = await import(${JSON.stringify(pluginUrl)});
await build(${JSON.stringify(target)}, { path: ${JSON.stringify(source)} });`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
    const watcher = watch(dirname(target), () => setTimeout(() => child.kill("SIGKILL"), round * 3));
    child.once("exit", () => {
      watcher.close();
      resolve();
    });
  });
}
