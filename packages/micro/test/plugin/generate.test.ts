import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build, generate, load } from "../../src/plugin/index.ts";
import { brokerFactory, brokerPlugin, inFolder, temporaryFolder, writeFiles } from "./support.ts";

const folder = temporaryFolder();
const at = (path: string): string => join(folder, path);

test("the module is readable, imports the source and exports Plugin", async () => {
  writeFiles(folder, { "source.mjs": brokerFactory() });
  const source = { path: at("source.mjs"), name: "made", type: "broker", newFunc: "newBroker" };
  await generate(at("generated/made.mjs"), source);
  assert.equal(
    readFileSync(at("generated/made.mjs"), "utf8"),
    `import * as source from "../source.mjs";
import { newBroker as newFunc } from "../source.mjs";

export const Plugin = {
  path: "../source.mjs",
  ...source.Plugin,
  name: "made",
  type: "broker",
  newFunc,
};
`,
  );
  const plugin = await load(at("generated/made.mjs"));
  assert.deepEqual([plugin.name, plugin.type, plugin.path], ["made", "broker", "../source.mjs"]);
  assert.equal(plugin.newFunc({}).name, "fake");
});

test("what was generated can be built", async () => {
  await generate(at("chain/made.mjs"), {
    path: "ts-micro/broker",
    name: "made",
    type: "broker",
    newFunc: "newMemoryBroker",
  });
  const { path } = await build(at("chain/out"), { path: at("chain/made.mjs") });
  const plugin = await load(path);
  assert.deepEqual([plugin.name, plugin.path], ["made", "ts-micro/broker"]);
});

test("a source's own Plugin is kept, and what is given overrides it", async () => {
  writeFiles(folder, { "own.mjs": brokerPlugin("own", ", api: [1, 3]") });
  await generate(at("own/same.mjs"), { path: at("own.mjs") });
  assert.equal(await load(at("own/same.mjs")), await load(at("own.mjs")));
  await generate(at("own/renamed.mjs"), { path: at("own.mjs"), name: "renamed" });
  const renamed = await load(at("own/renamed.mjs"));
  assert.deepEqual([renamed.name, renamed.path, renamed.api], ["renamed", "./here", [1, 3]]);
});

test("an npm package is imported by its name, from the folder where the module will lie", async () => {
  writeFiles(folder, {
    "node_modules/@acme/thing/package.json": { type: "module", exports: { "./sub": "./sub.js" } },
    "node_modules/@acme/thing/sub.js": brokerFactory(),
  });
  const source = { path: "@acme/thing/sub", name: "thing", type: "broker", newFunc: "newBroker" };
  await generate(at("thing.mjs"), source, { root: folder });
  assert.match(readFileSync(at("thing.mjs"), "utf8"), /^import \* as source from "@acme\/thing\/sub";$/m);
  assert.equal((await load(at("thing.mjs"))).path, "@acme/thing/sub");
});

test("any text is escaped, any export's name works", async () => {
  const name = `q"uo'te #?%20 é\u2028.mjs`;
  writeFiles(at("odd"), {
    [name]: `${brokerFactory("fn")}\nexport { fn as class, fn as Plugin, fn as default, fn as ñ };`,
  });
  for (const newFunc of ["class", "default", "ñ"]) {
    await generate(at(`odd/out/${newFunc}.mjs`), {
      path: at(`odd/${name}`),
      name: "odd",
      type: "broker",
      newFunc,
    });
    assert.equal((await load(at(`odd/out/${newFunc}.mjs`))).name, "odd");
  }
});

test("relative paths are meant from the working directory, in the source and in the target", async () => {
  writeFiles(folder, { "cwd/src/a.mjs": brokerPlugin("from-cwd") });
  await inFolder(at("cwd"), () => generate("gen/a.mjs", { path: "./src/a.mjs" }));
  await inFolder(at("cwd"), () => generate("gen/b.mjs", { path: pathToFileURL(at("cwd/src/a.mjs")).href }));
  for (const file of ["a", "b"]) assert.equal((await load(at(`cwd/gen/${file}.mjs`))).name, "from-cwd");
});

test("what would make a wrong module is refused with every reason, and nothing is written", async () => {
  const injected = 'x } from "./y"; process.exit(1); //';
  await assert.rejects(
    generate(at("refused.mjs"), { path: at("source.mjs"), name: "Bad", type: "nothing", newFunc: injected }),
    {
      code: "PLUGIN_SOURCE_INVALID",
      phase: "build",
      message:
        /^Invalid plugin Bad: Unknown plugin type: nothing for Bad \(.*\); name is "Bad" .*; newFunc is "x \} from/,
    },
  );
  await assert.rejects(generate(at("refused.mjs"), { path: "./not-there.mjs" }), {
    code: "PLUGIN_NOT_FOUND",
  });
  assert.throws(() => readFileSync(at("refused.mjs")), { code: "ENOENT" });
  await assert.rejects(generate(at("source.mjs/x.mjs"), { path: at("source.mjs") }), {
    code: "PLUGIN_WRITE_FAILED",
  });
});
