import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { load, open, PluginError, type PluginErrorCode } from "../../src/plugin/index.ts";
import { findPackage, packageEntry } from "../../src/plugin/package-entry.ts";
import { brokerPlugin, inFolder, pluginUrl, runNode, temporaryFolder, writeFiles } from "./support.ts";

const folder = temporaryFolder();

test("a path is meant from the working directory, with ./ or without, or absolute, or a file: URL", async () => {
  writeFiles(folder, { "sub/nats.mjs": brokerPlugin("nats"), "near.mjs": brokerPlugin("near") });
  await inFolder(folder, async () => {
    const module = await open("./sub/nats.mjs");
    assert.equal(await open("sub/nats.mjs"), module);
    assert.equal(await open("sub/../sub/nats.mjs"), module);
    assert.equal(await open(join(folder, "sub/nats.mjs")), module);
    assert.equal(await open(pathToFileURL(join(folder, "sub/nats.mjs")).href), module);
    assert.equal((await load("near.mjs")).name, "near");
  });
  await inFolder(join(folder, "sub"), async () => assert.equal((await load("../near.mjs")).name, "near"));
});

test("a folder is opened by its package.json: exports, main, or index.js", async () => {
  writeFiles(folder, {
    "by-exports/package.json": { exports: { ".": { require: "./no.cjs", import: "./yes.mjs" } } },
    "by-exports/yes.mjs": brokerPlugin("by-exports"),
    "by-main/package.json": { main: "lib/main" },
    "by-main/lib/main.js": "exports.Plugin = { name: 'by-main', type: 'broker', newFunc() {} };",
    "by-index/package.json": { type: "module" },
    "by-index/index.js": brokerPlugin("by-index"),
  });
  for (const name of ["by-exports", "by-main", "by-index"]) {
    assert.equal((await load(join(folder, name))).name, name);
  }
});

test("a package is found from the application's root, by ESM's import conditions", async () => {
  const root = join(folder, "app");
  writeFiles(root, {
    "package.json": { name: "app", type: "module", exports: { "./own": "./own.js" } },
    "own.js": brokerPlugin("own"),
    "node_modules/only-import/package.json": { exports: { import: "./esm.mjs" } },
    "node_modules/only-import/esm.mjs": brokerPlugin("only-import"),
    "node_modules/@acme/broker-x/package.json": { type: "module", exports: { "./sub/*": "./lib/*.js" } },
    "node_modules/@acme/broker-x/lib/deep.js": brokerPlugin("deep"),
  });
  assert.equal((await load("only-import", { root })).name, "only-import");
  assert.equal((await load("@acme/broker-x/sub/deep", { root })).name, "deep");
  assert.equal((await load("app/own", { root })).name, "own");
  assert.equal((await load("only-import", { root: join(root, "node_modules") })).name, "only-import");
});

test("the root is the package of the started script, its links resolved", async () => {
  const root = join(folder, "started");
  writeFiles(root, {
    "package.json": { name: "started", type: "module" },
    "src/main.js": `import { load } from ${JSON.stringify(pluginUrl)};
console.log((await load("found")).name);`,
    "node_modules/found/package.json": { type: "module", exports: "./index.js" },
    "node_modules/found/index.js": brokerPlugin("from-started"),
  });
  writeFiles(folder, { "elsewhere/node_modules/found/index.js": "exports.Plugin = 1;" });
  symlinkSync(join(root, "src/main.js"), join(folder, "elsewhere/main.js"));
  const cwd = join(folder, "elsewhere");
  assert.equal((await runNode([join(root, "src/main.js")], { cwd })).stdout, "from-started\n");
  assert.equal((await runNode(["main.js"], { cwd })).stdout, "from-started\n", "through a link");
  writeFiles(root, { "server.js": "import './src/main.js';" });
  assert.equal((await runNode([join(root, "server.js")], { cwd })).stdout, "from-started\n");
});

test("without a started script, and with node -e, the root is the working directory", async () => {
  const cwd = join(folder, "evaluated");
  writeFiles(cwd, {
    "node_modules/found/package.json": { type: "module", exports: "./index.js" },
    "node_modules/found/index.js": brokerPlugin("from-cwd"),
  });
  const code = `import(${JSON.stringify(pluginUrl)}).then(async ({ load }) => console.log((await load("found")).name))`;
  assert.equal((await runNode(["-e", code, "an-argument"], { cwd })).stdout, "from-cwd\n");
  assert.equal((await runNode(["-"], { cwd, input: code })).stdout, "from-cwd\n");
});

test("packages resolve as Node itself resolves an import", async () => {
  const root = join(folder, "oracle");
  const shapes: Record<string, object> = {
    "a-string": { exports: "./a.js" },
    "a-dot": { exports: { ".": "./a.js" } },
    conditions: { exports: { require: "./no.cjs", node: { import: "./a.js" }, default: "./no.js" } },
    "default-first": { exports: { default: "./a.js", import: "./no.js" } },
    "null-condition": { exports: { import: null, default: "./no.js" } },
    "module-sync": { exports: { "module-sync": "./sync.js", import: "./a.js" } },
    addons: { exports: { "node-addons": "./addons.js", default: "./a.js" } },
    types: { exports: { types: "./no.d.ts", browser: "./no.js", default: "./a.js" } },
    "a-list": { exports: ["no-dot", "./a.js", "./b.js"] },
    "nested-list": { exports: { ".": [{ browser: "./no.js" }, { import: "./a.js" }] } },
    "falls-through": { exports: { node: { browser: "./no.js" }, default: "./a.js" } },
    subpaths: { exports: { ".": "./a.js", "./b": "./b.js", "./private/*": null, "./*": "./lib/*.js" } },
    patterns: { exports: { "./*": "./no/*", "./lib/*": "./lib/*.js", "./lib/*.js": "./lib/*.js" } },
    encoded: { exports: { ".": "./with%20space.js" } },
    outside: { exports: { ".": "./../a-string/a.js" } },
    "into-modules": { exports: { ".": "./node_modules/x/a.js" } },
    "not-a-path": { exports: { ".": "a.js" } },
    "no-dot-key": { exports: {} },
    "main-only": { main: "./a.js" },
    "main-bare": { main: "a" },
    "main-folder": { main: "lib" },
    "main-missing": { main: "nope.js" },
    "nothing-said": {},
    "no-index": { name: "no-index" },
    "@scoped/one": { exports: { ".": "./a.js", "./b": "./b.js" } },
  };
  for (const [name, json] of Object.entries(shapes)) {
    const files = [
      "a.js",
      "b.js",
      "sync.js",
      "addons.js",
      "with space.js",
      "lib/x.js",
      "lib/index.js",
      "index.js",
    ];
    const kept = name === "no-index" ? [] : files;
    writeFiles(join(root, "node_modules", name), {
      "package.json": { type: "module", ...json },
      ...Object.fromEntries(kept.map((file) => [file, "export {};"])),
    });
  }
  writeFiles(root, {
    "package.json": { name: "oracle", type: "module", exports: { "./self": "./self.js" } },
    "self.js": "",
  });
  const specifiers = [
    ...Object.keys(shapes),
    ...["b", "lib/x", "lib/x.js", "private/x", "x", "nope"].flatMap((sub) =>
      ["subpaths", "patterns", "@scoped/one", "a-string", "main-only"].map((name) => `${name}/${sub}`),
    ),
    "oracle/self",
    "oracle/other",
    "not-installed",
  ];
  writeFiles(root, {
    "ask.js": `const answers = ${JSON.stringify(specifiers)}.map((specifier) => {
  try { return import.meta.resolve(specifier); } catch { return "none"; }
});
console.log(JSON.stringify(answers));`,
  });
  const asked = await runNode([join(root, "ask.js")]);
  const expected: string[] = JSON.parse(asked.stdout);
  const ours = specifiers.map((specifier) => {
    const [, name, sub = ""] = /^(@[^/]+\/[^/]+|[^/]+)(.*)$/.exec(specifier)!;
    try {
      const found = findPackage(name!, root);
      return found === undefined ? "none" : pathToFileURL(packageEntry(found, `.${sub}`)).href;
    } catch {
      return "none";
    }
  });
  assert.deepEqual(zip(specifiers, ours), zip(specifiers, expected));
  assert.ok(expected.filter((each) => each !== "none").length > 20, "most of them resolve");
});

test("--conditions counts, as it does for Node's own imports", async () => {
  const root = join(folder, "conditions");
  writeFiles(root, {
    "package.json": { type: "module" },
    "node_modules/dev/package.json": {
      type: "module",
      exports: { development: "./dev.js", default: "./built.js" },
    },
    "node_modules/dev/dev.js": brokerPlugin("dev"),
    "node_modules/dev/built.js": brokerPlugin("built"),
    "main.js": `import { load } from ${JSON.stringify(pluginUrl)}; console.log((await load("dev")).name);`,
  });
  const main = join(root, "main.js");
  assert.equal((await runNode([main])).stdout, "built\n");
  assert.equal((await runNode(["-C", "development", main])).stdout, "dev\n");
  assert.equal((await runNode(["--conditions=development", main])).stdout, "dev\n");
  assert.equal(
    (await runNode([main], { env: { NODE_OPTIONS: "--conditions=development" } })).stdout,
    "dev\n",
  );
});

test("what can't be resolved says why and what to do", async () => {
  const root = join(folder, "wrong");
  writeFiles(root, {
    "plugins/nats.mjs": brokerPlugin("nats"),
    "bare/nats.js": "",
    "no-json/readme.md": "",
    "unbuilt/package.json": { exports: "./dist/index.js" },
    "broken/package.json": "{ not json",
    "package.json": { name: "wrong" },
    "node_modules/only-require/package.json": { exports: { require: "./a.cjs" } },
    "node_modules/subpaths/package.json": { exports: { "./a": "./a.js", "./b": "./b.js" } },
    "node_modules/no-main/package.json": {},
  });
  const cases: [string, PluginErrorCode, RegExp][] = [
    ["", "PLUGIN_PATH_INVALID", /the path of the plugin is empty\./],
    ["https://example.com/x.mjs", "PLUGIN_PATH_INVALID", /Name a file, a file: URL or a package\./],
    ["node:fs", "PLUGIN_PATH_INVALID", /can't be loaded from such an address/],
    ["data:text/javascript,1", "PLUGIN_PATH_INVALID", /can't be loaded from such an address/],
    ["file://host/x.mjs", "PLUGIN_PATH_INVALID", /Write file:\/\/\/folder\/plugin\.mjs\./],
    [
      "./plugins/nat.mjs",
      "PLUGIN_NOT_FOUND",
      /no such file: .*nat\.mjs\. Did you mean \.\/plugins\/nats\.mjs\?/,
    ],
    ["./plugins/nats.so", "PLUGIN_NOT_FOUND", /Did you mean \.\/plugins\/nats\.mjs\?/],
    ["nothing.mjs", "PLUGIN_NOT_FOUND", /Relative paths are meant from the working directory\./],
    ["./plugins/nats.mjs/x.mjs", "PLUGIN_NOT_FOUND", /no such file/],
    ["./no-json", "PLUGIN_NO_ENTRY", /is a folder without package\.json\. Name a file in it\./],
    ["./unbuilt", "PLUGIN_NO_ENTRY", /the entry dist\/index\.js of .* does not exist\. Build that package/],
    ["./broken", "PLUGIN_NO_ENTRY", /package\.json is not readable JSON/],
    [
      "not-there",
      "PLUGIN_PACKAGE_NOT_FOUND",
      /no package not-there .* Run: npm install not-there in that folder\./,
    ],
    ["@acme/not-there/sub", "PLUGIN_PACKAGE_NOT_FOUND", /npm install @acme\/not-there in/],
    ["plugins/nats", "PLUGIN_PACKAGE_NOT_FOUND", /no package plugins/],
    ["bare", "PLUGIN_PACKAGE_NOT_FOUND", /Did you mean \.\/bare\?/],
    [
      "only-require",
      "PLUGIN_NO_ENTRY",
      /its exports offer nothing to import for "\." \(only other conditions/,
    ],
    ["subpaths/c", "PLUGIN_NO_ENTRY", /its exports have no "\.\/c", they have \.\/a, \.\/b\./],
    ["no-main", "PLUGIN_NO_ENTRY", /names no exports and no main file/],
    ["@", "PLUGIN_PATH_INVALID", /neither a path nor the name of a package/],
  ];
  await inFolder(root, async () => {
    for (const [path, code, message] of cases) {
      await assert.rejects(load(path, { root }), (error: unknown) => {
        assert.ok(PluginError.is(error), String(error));
        assert.deepEqual([error.code, error.phase, error.path], [code, "resolve", path], error.message);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    }
  });
});

function zip(keys: readonly string[], values: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
}
