import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { pluginFolderProblems } from "../plugin-folder.mjs";
import { root, subfolders } from "../workspace.mjs";

const scratch = mkdtempSync(join(tmpdir(), "ts-micro-plugins-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("every folder in plugins/ is built alike", async () => {
  const found = {};
  for (const folder of subfolders("plugins")) {
    const problems = await pluginFolderProblems(join(root, folder));
    if (problems.length > 0) found[folder] = problems;
  }
  assert.deepEqual(found, {});
});

let made = 0;

/** A folder that is right, with some of its files replaced, or left out where the text is undefined. */
function pluginFolder(changes = {}, name = "broker-nats") {
  const folder = join(scratch, String(made++), name);
  const files = {
    "README.md": "# nats",
    "package.json": JSON.stringify({
      name: `@ts-micro/${name}`,
      type: "module",
      peerDependencies: { "ts-micro": "^0.1.0" },
    }),
    "tsconfig.json": "{}",
    "src/index.ts": "",
    "test/conformance.test.ts": "brokerConformance({});",
    "dist/src/index.js": `export const Plugin = { name: "nats", type: "broker", newFunc() {} };`,
    ...changes,
  };
  for (const [file, text] of Object.entries(files)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

const cases = [
  ["nothing is wrong", {}, []],
  ["a file is missing", { "README.md": undefined }, ["README.md is missing"]],
  [
    "the manifest has another name and no peer",
    { "package.json": `{ "name": "nats", "type": "module" }` },
    ["package.json: name is not @ts-micro/broker-nats", "package.json: ts-micro is not a peer dependency"],
  ],
  [
    "the suite isn't run",
    { "test/conformance.test.ts": "registryConformance({});" },
    ["test/conformance.test.ts doesn't run brokerConformance"],
  ],
  ["it isn't built", { "dist/src/index.js": undefined }, ["the package is not built"]],
  [
    "there is no Plugin",
    { "dist/src/index.js": "export const plugin = 1;" },
    ["the package doesn't export Plugin"],
  ],
  [
    "Plugin has another name than the folder",
    { "dist/src/index.js": `export const Plugin = [{ name: "kafka", type: "broker" }];` },
    ["Plugin has no config of type broker with the name nats"],
  ],
];

for (const [title, changes, problems] of cases) {
  test(`a plugin folder where ${title}`, async () => {
    assert.deepEqual(await pluginFolderProblems(pluginFolder(changes)), problems);
  });
}

test("a plugin folder with a name of another form", async () => {
  assert.ok(
    (await pluginFolderProblems(pluginFolder({}, "nats"))).includes(
      "the folder's name nats is not <kind>-<name>",
    ),
  );
});
