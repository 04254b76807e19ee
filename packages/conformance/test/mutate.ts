import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Mutation, MutationList } from "./mutation.ts";

const runner = fileURLToPath(new URL("run-mutant.js", import.meta.url));
/** ts-micro's `dist/src`. Mutants live beside it, where imports of packages and `"type": "module"` still work. */
const original = dirname(fileURLToPath(import.meta.resolve("ts-micro")));
/** A suite that takes longer hangs, and so do its own time limits. */
const limitMs = 60_000;

/**
 * A suite bites: for every mutation of the list `mutations/<kind>.ts` at least one test fails. To add a mutation,
 * write a line into the list; nothing else needs to change.
 */
export async function mutationTests(kind: string): Promise<void> {
  const list = fileURLToPath(new URL(`mutations/${kind}.js`, import.meta.url));
  const { mutations }: { mutations: MutationList<unknown> } = await import(pathToFileURL(list).href);

  describe(`mutations of ${kind}`, { concurrency: 2 }, () => {
    const mutants = mkdtempSync(join(original, "..", "mutants-"));
    after(() => rmSync(mutants, { recursive: true, force: true }));

    test("without one, all tests pass", async () => {
      const { failed, output } = await runSuite(list, original);
      assert.equal(failed, undefined, output);
    });

    for (const mutation of mutations.mutations) {
      const [where, search, , why] = mutation;
      test(`noticed: ${why}`, async () => {
        const root = mutate(mutation, mutants);
        const { failed, output } = await runSuite(list, root);
        assert.ok(failed !== undefined, `${where} without its "${search}" passed every test\n${output}`);
        rmSync(root, { recursive: true });
      });
    }
  });
}

/** A copy of all compiled modules with the one mistake, so that everything that imports the module gets it. */
function mutate([file, search, replace]: Mutation, mutants: string): string {
  // What was compiled from a file that is gone may still lie there, and nobody imports it.
  const written = join(original, "../../src", file.replace(/\.js$/, ".ts"));
  assert.ok(existsSync(written), `${written} isn't there. Correct the list.`);
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
