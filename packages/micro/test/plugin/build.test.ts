import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { type BuildResult, build, generate, inspect, load, loadAll } from "../../src/plugin/index.ts";
import { readManifest } from "../../src/plugin/manifest.ts";
import {
  brokerFactory,
  brokerPlugin,
  inFolder,
  packageFolder,
  pluginUrl,
  runNode,
  temporaryFolder,
  writeFiles,
} from "./support.ts";

const folder = temporaryFolder();
const at = (path: string): string => join(folder, path);

test("the article's program: build a plugin of ts-micro's own factory, load it, print the four fields", async () => {
  const built = await build(at("article/test.so"), {
    name: "again",
    type: "broker",
    path: "ts-micro/broker",
    newFunc: "newMemoryBroker",
  });
  assert.equal(built.path, at("article/test.mjs"));
  const { name, type, path, newFunc } = await load(built.path);
  assert.deepEqual([name, type, path], ["again", "broker", "ts-micro/broker"]);
  assert.equal(
    newFunc,
    (await import("../../src/broker/index.ts")).newMemoryBroker,
    "the host's own factory",
  );
});

test("one .mjs or .so is stripped, the folder is made, and file and map are all that is there", async () => {
  writeFiles(folder, { "source.ts": brokerPlugin("stripped") });
  const targets = {
    "a/x": "x.mjs",
    "b/x.mjs": "x.mjs",
    "c/x.so": "x.mjs",
    "d/x.so.so": "x.so.mjs",
    "e/x.js": "x.js.mjs",
  };
  for (const [path, file] of Object.entries(targets)) {
    const built = await build(at(path), { path: at("source.ts") });
    assert.equal(built.path, join(at(dirname(path)), file));
    assert.deepEqual(readdirSync(at(dirname(path))).sort(), [file, `${file}.map`]);
    assert.equal(built.bytes, readFileSync(built.path).length);
    assert.deepEqual(built.warnings, []);
    assert.equal((await load(built.path)).name, "stripped");
  }
});

test("a source in TypeScript, and the fields that make a plugin of it", async () => {
  writeFiles(folder, {
    "typescript/source.ts": `import type { Broker, BrokerOptions } from "ts-micro/broker";
import { MicroError } from "ts-micro";
import { deep } from "./deep.ts";
enum Colour { red = "red" }
class Parameter { constructor(readonly value: string) {} }
export function newThing(options: BrokerOptions): Broker {
  throw new MicroError({ id: deep, code: 500, detail: new Parameter(Colour.red).value });
}`,
    "typescript/deep.ts": "export const deep: string = 'deep';",
  });
  const { path } = await inFolder(at("typescript"), () =>
    build("./out/thing", { path: "./source.ts", name: "thing", type: "broker", newFunc: "newThing" }),
  );
  const plugin = await load(path);
  assert.deepEqual([plugin.name, plugin.type, plugin.path], ["thing", "broker", "./source.ts"]);
  assert.throws(
    () => plugin.newFunc({}),
    (error: unknown) => {
      assert.ok(error instanceof MicroError, "the class of the program that loads it");
      assert.deepEqual([error.id, error.detail], ["deep", "red"]);
      return true;
    },
  );
});

test("a source with its own Plugin keeps its fields, and those that are given override them", async () => {
  const own = `${brokerFactory()}
${brokerFactory("newOther", "other")}
const flag = { name: "own_flag", type: "string", usage: "u", option: "o" };
export const Plugin = { name: "own", type: "broker", path: "@acme/own", newFunc: newBroker, api: [1, 7], flags: [flag] };`;
  writeFiles(folder, { "own.mjs": own, "own-default.mjs": own.replace("const Plugin =", "default") });
  for (const file of ["own.mjs", "own-default.mjs"]) {
    const kept = await load((await build(at(`own/kept-${file}`), { path: at(file) })).path);
    assert.deepEqual([kept.name, kept.path, kept.api, kept.flags?.length], ["own", "@acme/own", [1, 7], 1]);
    const renamed = await load(
      (await build(at(`own/renamed-${file}`), { path: at(file), name: "renamed" })).path,
    );
    assert.deepEqual(
      [renamed.name, renamed.path, renamed.api, renamed.flags?.length],
      ["renamed", "@acme/own", [1, 7], 1],
    );
  }
  const all = { path: at("own.mjs"), name: "all", type: "broker", newFunc: "newOther" };
  const changed = await load((await build(at("own/all"), all)).path);
  assert.deepEqual(
    [changed.name, changed.path, changed.api, changed.flags?.length],
    ["all", "@acme/own", [1, 7], 1],
  );
  assert.equal(changed.newFunc({}).name, "other");
  const { manifest } = await inspect(at("own/all.mjs"));
  assert.deepEqual(manifest?.plugins, [{ name: "all", type: "broker", api: [1, 7] }]);
});

test("a source with a list of plugins is built whole", async () => {
  writeFiles(folder, {
    "list.mjs": `${brokerFactory()}
export const Plugin = ["one", "two"].map((name) => ({ name, type: "broker", newFunc: newBroker }));`,
  });
  const { path } = await build(at("list/list"), { path: at("list.mjs") });
  assert.deepEqual(
    (await loadAll(path)).map(({ name }) => name),
    ["one", "two"],
  );
  assert.deepEqual(
    (await inspect(path)).manifest?.plugins.map(({ name }) => name),
    ["one", "two"],
  );
});

test("the first line is the manifest, the second what CommonJS needs; nothing in it is of this machine", async () => {
  writeFiles(folder, {
    "manifest/package.json": { name: "@acme/source", version: "1.2.3", type: "module" },
    "manifest/src/index.js": `import { MicroError } from "ts-micro";\nimport "ts-micro/client";\n${brokerPlugin("told")}\nexport { MicroError };`,
  });
  const { path } = await build(at("manifest/out/told"), { path: at("manifest/src/index.js") });
  const text = readFileSync(path, "utf8");
  const [first, second] = text.split("\n");
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const manifest = {
    schema: 1,
    plugins: [{ name: "told", type: "broker", api: [1] }],
    host: ["ts-micro", "ts-micro/client"],
    package: "@acme/source",
    version: "1.2.3",
    builtWith: { esbuild: (await import("esbuild")).version, "ts-micro": version },
  };
  assert.deepEqual(readManifest(first!, ""), manifest);
  assert.match(second!, /^import \{ createRequire as .*const require = /);
  for (const bytes of [text, readFileSync(`${path}.map`, "utf8")]) assert.ok(!bytes.includes(folder));
  assert.match(text, /\n\/\/# sourceMappingURL=told\.mjs\.map\n$/);
  const inspected = await inspect(path);
  assert.deepEqual(
    [inspected.form, inspected.path, inspected.bytes],
    ["built", path, Buffer.byteLength(text)],
  );
  assert.deepEqual(inspected.manifest, manifest);
  assert.equal((await load(path)).name, "told");
});

test("inspect runs nothing", async () => {
  const text = "globalThis.inspected = true; throw new Error('ran');";
  writeFiles(folder, { "run.mjs": text, "run.ts": text });
  const inspected = await inspect(at("run.mjs"));
  assert.deepEqual(Object.keys(inspected), ["path", "bytes", "sha256", "form"]);
  assert.equal(inspected.form, "javascript");
  assert.equal((await inspect(at("run.ts"))).form, "typescript");
  assert.equal((globalThis as { inspected?: boolean }).inspected, undefined);
  await assert.rejects(inspect(at("none.mjs")), { code: "PLUGIN_NOT_FOUND" });
});

test("dependencies come along, CommonJS too, and the file works alone in an empty folder", async () => {
  writeFiles(at("alone"), {
    "package.json": { name: "alone", type: "module" },
    "node_modules/common/package.json": { main: "main.js" },
    "node_modules/common/main.js": `const { sep } = require("path");
exports.describe = () => [typeof require, typeof __dirname, __filename.split(sep).pop(), require("node:os").EOL.length].join();`,
    "node_modules/modern/package.json": { type: "module", exports: { import: "./index.js" } },
    "node_modules/modern/index.js": "export const modern = 'modern';",
    "src.js": `
  import { createRequire } from "node:module";
  import { dirname } from "node:path";
  import { fileURLToPath } from "node:url";
  import { describe } from "common";
  import { modern } from "modern";
  import { MicroError } from "ts-micro";
  const require = createRequire(import.meta.url);
  const __dirname = dirname(fileURLToPath(import.meta.url));
${brokerFactory()}
export const facts = () => [describe(), modern, MicroError.name, typeof require, __dirname];
export const Plugin = { name: "alone", type: "broker", newFunc: (options) => ({ ...newBroker(options), facts: facts() }) };`,
  });
  const { path } = await build(at("alone/out/alone"), { path: at("alone/src.js") });
  const empty = temporaryFolder();
  cpSync(path, join(empty, "moved.mjs"));
  const program = `const { load } = await import(${JSON.stringify(pluginUrl)});
const plugin = await load("./moved.mjs");
console.log(JSON.stringify(plugin.newFunc({}).facts));`;
  const ran = await runNode(["--input-type=module", "-e", program], { cwd: empty });
  assert.equal(ran.stderr, "");
  assert.deepEqual(JSON.parse(ran.stdout), [
    "function,string,moved.mjs,1",
    "modern",
    "MicroError",
    "function",
    empty,
  ]);
});

test("outside a program of ts-micro, a built plugin says what it is", async () => {
  writeFiles(folder, {
    "stray.js": `import { MicroError } from "ts-micro";\nclass Mine extends MicroError {}\n${brokerPlugin("stray", ", Mine")}`,
  });
  const { path } = await build(at("stray/stray"), { path: at("stray.js") });
  const ran = await runNode([path]);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /this is a plugin of ts-micro: load it by MICRO_PLUGIN, --plugin or load\(\)/);
});

test("source maps lead back to the source", async () => {
  writeFiles(folder, {
    "mapped/mapped.ts": `import { MicroError } from "ts-micro";
interface Nothing { a: string }


export function newBroker(options: Nothing): never { throw new MicroError({ detail: options.a }); }`,
  });
  const { path } = await build(at("mapped/out/mapped"), {
    path: at("mapped/mapped.ts"),
    name: "mapped",
    type: "broker",
    newFunc: "newBroker",
  });
  const program = `const { load } = await import(${JSON.stringify(pluginUrl)});
try { (await load(${JSON.stringify(path)})).newFunc({}); } catch (error) { console.log(error.stack); }`;
  const ran = await runNode(["--enable-source-maps", "--input-type=module", "-e", program]);
  assert.match(ran.stdout, /mapped\.ts:5:60/);
});

test("the same input gives the same bytes in any folder", async () => {
  const files = {
    "package.json": { name: "same", version: "0.0.1", type: "module" },
    "node_modules/dep/package.json": { main: "index.js" },
    "node_modules/dep/index.js": "exports.dep = __dirname;",
    "src/plugin.ts": `import { dep } from "dep";\nimport { MicroError } from "ts-micro";\n${brokerPlugin("same")}\nexport { dep, MicroError };`,
  };
  const built: BuildResult[] = [];
  for (const place of ["here", "there/further down/ö"]) {
    writeFiles(at(`same/${place}`), files);
    const target = at(`same/out/${place.length}/same`);
    built.push(await inFolder(at(`same/${place}`), () => build(target, { path: "./src/plugin.ts" })));
    built.push(await build(at(`same/${place}/beside/same`), { path: at(`same/${place}/src/plugin.ts`) }));
  }
  symlinkSync(at("same/here"), at("same/link"));
  built.push(await build(at("same/out/link/same"), { path: at("same/link/src/plugin.ts") }));
  for (const ending of ["", ".map"]) {
    const [first, ...others] = built.map(({ path }) => readFileSync(path + ending, "utf8"));
    assert.equal(others.length, 4);
    for (const other of others) assert.equal(other, first);
  }
});

test("path may name a package, found from the root", async () => {
  const root = at("packages");
  writeFiles(root, {
    "package.json": { name: "packages" },
    "node_modules/@acme/broker-thing/package.json": {
      version: "3.0.0",
      name: "@acme/broker-thing",
      type: "module",
      exports: "./index.js",
    },
    "node_modules/@acme/broker-thing/index.js": brokerFactory(),
  });
  const source = { path: "@acme/broker-thing", name: "thing", type: "broker", newFunc: "newBroker" };
  const { path } = await build(at("packages/out/thing"), source, { root });
  assert.equal((await load(path)).path, "@acme/broker-thing");
  const { manifest } = await inspect(path);
  assert.deepEqual([manifest?.package, manifest?.version], ["@acme/broker-thing", "3.0.0"]);
});

test("odd names of files and folders build, and so do texts that look like the end of a comment", async () => {
  writeFiles(at("o#dd ?%20é"), {
    "sou#rce ?%.mjs": brokerPlugin("odd"),
    "package.json": { name: "*/ alert(1) /*", version: "*/" },
  });
  const { path } = await build(at("o#dd ?%20é/out #/odd %"), { path: at("o#dd ?%20é/sou#rce ?%.mjs") });
  assert.equal((await load(path)).name, "odd");
  assert.equal((await inspect(path)).manifest?.package, "*/ alert(1) /*");
});

test("esbuild's warnings are given on", async () => {
  writeFiles(folder, { "warned.mjs": `export const twice = { a: 1, a: 2 };\n${brokerPlugin("warned")}` });
  const { warnings } = await build(at("warned/warned"), { path: at("warned.mjs") });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /warned\.mjs:1:29: Duplicate key "a" in object literal/);
});

test("a module that generate wrote is built without a warning", async () => {
  const source = { name: "again", type: "broker", path: "ts-micro/broker", newFunc: "newMemoryBroker" };
  await generate(at("generated/source.mjs"), source);
  const { warnings } = await build(at("generated/built"), { path: at("generated/source.mjs") });
  assert.deepEqual(warnings, []);
});

test("a factory that wraps one of ts-micro of the same name keeps its name", async () => {
  writeFiles(folder, {
    "wrapped.mjs": `import { newClient as newMucpClient } from "ts-micro/client";
export function newClient(options) { return { ...newMucpClient(options), name: "wrapped" }; }
export const Plugin = { name: "wrapped", type: "client", path: "./wrapped.mjs", newFunc: newClient };`,
  });
  const { path } = await build(at("wrapped/wrapped"), { path: at("wrapped.mjs") });
  assert.equal((await load(path)).newFunc.name, "newClient");
});
