import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
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
  cpSync(join(packageFolder, "dist/src"), join(place, "dist/src"), {
    recursive: true,
    filter: (source) => !/\.map$|\.d\.ts$/.test(source),
  });
  cpSync(join(packageFolder, "package.json"), join(place, "package.json"));
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
  const home = join(folder, "home");
  secondCopy(join(home, "node_modules/ts-micro"));
  writeFiles(home, { "plain.mjs": brokerPlugin("plain") });
  for (const [index, subpath] of hostSubpaths.entries()) {
    const own = join(home, `own-${index}.mjs`);
    writeFiles(home, { [basename(own)]: `import ${JSON.stringify(subpath)};\n${brokerPlugin("own")}` });
    const lines = await inThread(`const { load } = await import(${JSON.stringify(pluginUrl)});
const plain = ${JSON.stringify(join(home, "plain.mjs"))};
await load(plain);
console.error("so far nothing");
await load(${JSON.stringify(own)});
await load(plain);`);
    const [first, warning, ...more] = lines;
    assert.deepEqual([first, more], ["so far nothing", []], subpath);
    assert.match(warning!, /level=warn {2}2 copies of ts-micro in one process, which share no tables and/);
    assert.ok(warning!.includes(join(home, "node_modules/ts-micro/dist/src")), warning);
    assert.ok(
      warning!.endsWith("make ts-micro a peer dependency of the plugin that brings its own"),
      warning,
    );
  }
});

test("the copy of the project that a tool works on is meant to be there beside the tool's own, a third is not", async () => {
  const project = join(folder, "a project");
  const nested = join(project, "node_modules/nested");
  for (const place of [project, nested]) secondCopy(join(place, "node_modules/ts-micro"));
  const source = `import "ts-micro";\n${brokerPlugin("its")}`;
  writeFiles(project, { "plugin.mjs": source });
  writeFiles(nested, { "plugin.mjs": source });
  const lines = await inThread(`const { load } = await import(${JSON.stringify(pluginUrl)});
const load_ = (folder) => load(folder + "/plugin.mjs", { root: ${JSON.stringify(project)} });
await load_(${JSON.stringify(project)});
console.error("so far nothing");
await load_(${JSON.stringify(nested)});`);
  assert.equal(lines[0], "so far nothing");
  assert.match(lines[1] ?? "", /3 copies of ts-micro in one process/);
});

/** Runs a program with globals of its own, and gives what it wrote on stderr. */
async function inThread(program: string): Promise<string[]> {
  const source = `data:text/javascript,${encodeURIComponent(program)}`;
  const thread = new Worker(new URL(source), { stderr: true });
  const stderr = text(thread.stderr);
  await once(thread, "exit");
  return (await stderr).trimEnd().split("\n");
}

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
