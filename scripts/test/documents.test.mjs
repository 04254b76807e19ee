import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { blocksOf, documents, modulesOf, read, scenesOf } from "../documents.mjs";
import { play } from "../play.mjs";
import { root } from "../workspace.mjs";

const scratch = mkdtempSync(join(tmpdir(), "ts-micro-documents-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const all = documents();
let compiled;

before(() => {
  for (const document of all) {
    for (const [name, text] of Object.entries(modulesOf(read(document)))) {
      const file = join(scratch, document, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"), "junction");
  writeFileSync(join(scratch, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(scratch, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      // Beside the sources, so that a program and `micro plugin build` are started in the same folder.
      compilerOptions: { composite: false, declaration: false, declarationMap: false, sourceMap: false },
    }),
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  compiled = spawnSync(process.execPath, [tsc, "-p", scratch], { cwd: scratch, encoding: "utf8" });
});

test("the TypeScript in the documents compiles", () => {
  assert.equal(compiled.status, 0, compiled.stdout);
});

// Programs mostly wait for one another.
describe("consoles in the documents", { concurrency: 4 }, () => {
  for (const document of all) {
    for (const scene of scenesOf(read(document))) {
      const [{ line }] = scene.commands;
      test(`${document}:${scene.line}: ${line} … prints what the document says`, async () => {
        await play(scene, join(scratch, document));
      });
    }
  }
});

for (const document of all) {
  test(`${document}: links lead somewhere, and no command is another package's`, () => {
    const text = read(document);
    const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)\s]*)?\)/g)].map(([, target]) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    const broken = local.filter((target) => !existsSync(join(root, dirname(document), target)));
    assert.deepEqual(broken, []);
    // The npm package called `micro` is something else.
    assert.doesNotMatch(text, /npx (--?\S+ )*micro\b/);
  });
}

test("blocks are found with their language, their name, and what is hidden above them", () => {
  const text = [
    "<!-- ts",
    'import { a } from "./a.ts";',
    "-->",
    "",
    "```ts",
    "// b.ts",
    "a();",
    "```",
    "1. In a list:",
    "",
    "   ```ts",
    "   export {};",
    "     two;",
    "   ```",
    "```console",
    "$ A=1 node b.ts 'one word' &  # starts",
    "says",
    "$ echo $?",
    "```",
    "```console",
    "$ npm install",
    "```",
    "<!-- ts a.ts",
    "export function a() {}",
    "-->",
    "",
  ].join("\n");
  assert.deepEqual(
    blocksOf(text).map(({ language }) => language),
    ["ts", "ts", "console", "console"],
  );
  assert.deepEqual(modulesOf(text), {
    "a.ts": "export function a() {}\n",
    "b.ts": 'import { a } from "./a.ts"; \n// b.ts\na();\n',
    "line-11.ts": "\nexport {};\n  two;\n",
  });
  const [scene, ...others] = scenesOf(text);
  assert.deepEqual(others, []);
  assert.deepEqual(scene.prints, ["says"]);
  const [first, second] = scene.commands;
  assert.deepEqual(
    [first.env, first.program, first.args, first.background, second.args],
    [{ A: "1" }, "node", ["b.ts", "one word"], true, ["$?"]],
  );
});
