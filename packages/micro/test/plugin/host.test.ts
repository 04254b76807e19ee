import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { hostNames, hostSubpaths } from "../../src/plugin/host.ts";
import { build } from "../../src/plugin/index.ts";
import { brokerPlugin, packageFolder, pluginUrl, runNode, temporaryFolder, writeFiles } from "./support.ts";

const folder = temporaryFolder();

test("built plugins may use every subpath that the package exports, and nothing else", async () => {
  const { exports } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const subpaths = Object.keys(exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => subpath.replace(/^\./, "ts-micro"));
  assert.deepEqual([...hostSubpaths].sort(), subpaths.sort());
  for (const subpath of hostSubpaths) assert.ok((await hostNames(subpath)).length > 0, subpath);
});

test("a second copy of ts-micro in a process logs a warning, and plugins use the first", async () => {
  const second = join(folder, "second");
  cpSync(join(packageFolder, "dist/src"), join(second, "dist/src"), { recursive: true });
  cpSync(join(packageFolder, "package.json"), join(second, "package.json"));
  const require = createRequire(import.meta.url);
  for (const dependency of ["dns-packet", "@leichtgewicht/ip-codec"]) {
    cpSync(dirname(require.resolve(dependency)), join(second, "node_modules", dependency), {
      recursive: true,
    });
  }
  writeFiles(folder, {
    "source.js": `import { MicroError } from "ts-micro";\n${brokerPlugin("classy")}\nPlugin.MicroError = MicroError;`,
    "plain.mjs": brokerPlugin("plain"),
  });
  const { path } = await build(join(folder, "classy"), { path: join(folder, "source.js") });
  const secondUrl = pathToFileURL(join(second, "dist/src/plugin/index.js")).href;
  const program = `const first = await import(${JSON.stringify(pluginUrl)});
const second = await import(${JSON.stringify(secondUrl)});
const { MicroError } = await import(${JSON.stringify(new URL("../index.js", pluginUrl).href)});
await first.load("./plain.mjs");
console.error("so far nothing");
const plugin = await second.load(${JSON.stringify(path)});
await second.load("./plain.mjs");
console.log(plugin.MicroError === MicroError);`;
  const ran = await runNode(["--input-type=module", "-e", program], { cwd: folder });
  assert.equal(ran.stdout, "true\n", ran.stderr);
  const lines = ran.stderr.trim().split("\n");
  assert.equal(lines.length, 2, ran.stderr);
  assert.equal(lines[0], "so far nothing");
  assert.match(
    lines[1]!,
    /level=warn {2}two copies of ts-micro in one process: plugins use file:.*\(0\..*\), not file:.*second/,
  );
});

test("a plugin that needs more than its host has is told so", async () => {
  writeFiles(folder, {
    "newer.mjs": `/*! ts-micro-plugin {"schema":1,"plugins":[{"name":"newer","type":"broker","api":[1]}],"host":["ts-micro"],"builtWith":{}} */
const module = globalThis[Symbol.for("ts-micro.host.v1")].modules["ts-micro"];
if (!("MicroError" in module)) throw new Error("the host's names are there before the plugin runs");
${brokerPlugin("newer")}`,
  });
  const program = `const { load } = await import(${JSON.stringify(pluginUrl)}); console.log((await load("./newer.mjs")).name);`;
  const ran = await runNode(["--input-type=module", "-e", program], { cwd: folder });
  assert.equal(ran.stdout, "newer\n", ran.stderr);
});
