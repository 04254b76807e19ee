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

/** Another copy of the package, as npm installs it where versions don't fit. */
function secondCopy(place: string): void {
  cpSync(join(packageFolder, "dist/src"), join(place, "dist/src"), { recursive: true });
  cpSync(join(packageFolder, "package.json"), join(place, "package.json"));
  const require = createRequire(import.meta.url);
  for (const dependency of ["dns-packet", "@leichtgewicht/ip-codec"]) {
    cpSync(dirname(require.resolve(dependency)), join(place, "node_modules", dependency), {
      recursive: true,
    });
  }
}

test("plugins that a second copy of ts-micro loads use the first", async () => {
  const second = join(folder, "second");
  secondCopy(second);
  writeFiles(folder, {
    "source.js": `import { MicroError } from "ts-micro";\n${brokerPlugin("classy")}\nPlugin.MicroError = MicroError;`,
    "plain.mjs": brokerPlugin("plain"),
  });
  const { path } = await build(join(folder, "classy"), { path: join(folder, "source.js") });
  const secondUrl = pathToFileURL(join(second, "dist/src/plugin/index.js")).href;
  const program = `const first = await import(${JSON.stringify(pluginUrl)});
const { MicroError } = await import(${JSON.stringify(new URL("../index.js", pluginUrl).href)});
await first.load("./plain.mjs");
const second = await import(${JSON.stringify(secondUrl)});
const plugin = await second.load(${JSON.stringify(path)});
console.log(plugin.MicroError === MicroError);`;
  const ran = await runNode(["--input-type=module", "-e", program], { cwd: folder });
  assert.equal(ran.stdout, "true\n", ran.stderr);
});

test("a plugin that brings a ts-micro of its own is warned of, once, whatever it imports of it", async () => {
  const homes = hostSubpaths.map((subpath) => join(folder, subpath.replace("/", "-")));
  for (const [index, home] of homes.entries()) {
    secondCopy(join(home, "node_modules/ts-micro"));
    const import_ = `import ${JSON.stringify(hostSubpaths[index])};`;
    writeFiles(home, { "own.mjs": `${import_}\n${brokerPlugin("own")}` });
  }
  writeFiles(folder, { "plain.mjs": brokerPlugin("plain") });
  const program = `const { load } = await import(${JSON.stringify(pluginUrl)});
await load("./plain.mjs");
console.error("so far nothing");
for (const home of ${JSON.stringify(homes)}) {
  await load(home + "/own.mjs");
  await load("./plain.mjs");
}`;
  const { stderr } = await runNode(["--input-type=module", "-e", program], { cwd: folder });
  const [first, ...warnings] = stderr.trimEnd().split("\n");
  assert.equal(first, "so far nothing");
  assert.equal(warnings.length, homes.length, stderr);
  for (const [index, warning] of warnings.entries()) {
    assert.ok(warning.includes(`level=warn  ${index + 2} copies of ts-micro in one process`), warning);
    assert.ok(warning.includes(join(homes[index]!, "node_modules/ts-micro/dist/src")), warning);
    assert.ok(warning.endsWith("make ts-micro a peer dependency of the plugin that brings its own"), warning);
  }
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
