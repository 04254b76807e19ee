/**
 * The suites bite: for every mutation of the lists in `mutations/` at least one test fails. To add one, write a
 * line into the list of its kind; nothing here needs to change.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Mutation, MutationList } from "./mutation.ts";

const listsFolder = fileURLToPath(new URL("mutations/", import.meta.url));
const runner = fileURLToPath(new URL("run-mutant.js", import.meta.url));
/** ts-micro's `dist/src`. Mutants live beside it, where imports of packages and `"type": "module"` still work. */
const original = dirname(fileURLToPath(import.meta.resolve("ts-micro")));
/** A suite that takes longer hangs, and so do its own time limits. */
const limitMs = 60_000;

// All lists are imported before the first test is known: node:test ends when it has nothing to do.
const lists = await Promise.all(
  readdirSync(listsFolder)
    .filter((file) => file.endsWith(".js"))
    .map(async (file) => {
      const list = join(listsFolder, file);
      const { mutations }: { mutations: MutationList<unknown> } = await import(pathToFileURL(list).href);
      return { kind: basename(file, ".js"), list, mutations: mutations.mutations };
    }),
);

const mutants = mkdtempSync(join(original, "..", "mutants-"));
after(() => rmSync(mutants, { recursive: true, force: true }));

test("there are lists", () => assert.ok(lists.length > 0));

for (const { kind, list, mutations } of lists) {
  describe(`mutations of ${kind}`, { concurrency: 2 }, () => {
    test("without one, all tests pass", async () => {
      const { failed, output } = await runSuite(list, original);
      assert.equal(failed, undefined, output);
    });

    for (const mutation of mutations) {
      const [where, search, , why] = mutation;
      test(`noticed: ${why}`, async () => {
        const root = mutate(mutation);
        const { failed, output } = await runSuite(list, root);
        assert.ok(failed !== undefined, `${where} without its "${search}" passed every test\n${output}`);
        rmSync(root, { recursive: true });
      });
    }
  });
}

/** A copy of all compiled modules with the one mistake, so that everything that imports the module gets it. */
function mutate([file, search, replace]: Mutation): string {
  const source = readFileSync(join(original, file), "utf8");
  const found = source.split(search).length - 1;
  assert.equal(
    found,
    1,
    `"${search}" is ${found} times in ${file}; it must be there once. Correct the list.`,
  );
  const root = mkdtempSync(join(mutants, "src-"));
  cpSync(original, root, { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) });
  writeFileSync(
    join(root, file),
    source.replace(search, () => replace),
  );
  return root;
}

/** Runs the suite in a process of its own, until the end or the first test that fails. */
function runSuite(list: string, root: string): Promise<{ failed: string | undefined; output: string }> {
  // Below `node --test`, a child would report to the runner instead of us.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--test-reporter=tap", runner, list, root], { env });
  return new Promise((resolve, reject) => {
    let output = "";
    let failed: string | undefined;
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the suite took more than ${limitMs} ms\n${output}`));
    }, limitMs);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      failed ??= /^ *not ok .*$/m.exec(output)?.[0];
      if (failed !== undefined) child.kill("SIGKILL");
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      // A module that can't even be loaded has not been noticed by any test.
      if (failed === undefined && code !== 0) reject(new Error(`ended with code ${code}\n${output}`));
      else if (!/^ *ok \d/m.test(output) && failed === undefined) reject(new Error(`no test ran\n${output}`));
      else resolve({ failed, output });
    });
  });
}
