/** What a user sees of a broken plugin: one line, exit code 1, and never a stack. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BrokenPlugin, brokenPlugins, writeBrokenPlugin } from "../plugin/broken-plugins.ts";
import { runChild, scratch } from "./child.ts";

/** The command that comes with the framework; this file runs in `packages/micro/dist/test/service`. */
const micro = fileURLToPath(new URL("../../../../cli/bin/micro.js", import.meta.url));

function argumentsFor(broken: BrokenPlugin, path: string): string[] {
  return ["--plugin", path, ...(broken.phase === "construct" ? [`--broker=${broken.key ?? "broken"}`] : [])];
}

function variablesFor({ code }: BrokenPlugin): Record<string, string> {
  return { MICRO_PLUGIN_TIMEOUT: code === "PLUGIN_IMPORT_TIMEOUT" ? "300ms" : "20s" };
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function assertOneLine({ code, stdout, stderr }: Ended, program: string, broken: BrokenPlugin): void {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`^${program}: [^\n]+\n$`));
  assert.ok(stderr.includes(broken.code), stderr);
}

function runMicro(args: readonly string[], cwd: string, variables: Record<string, string>): Promise<Ended> {
  const env = { PATH: process.env.PATH, ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, [micro, ...args], { cwd, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

describe("a plugin that is broken by", { concurrency: 2 }, () => {
  for (const broken of brokenPlugins) {
    test(`${broken.name} is told in one line under service.run() and by micro`, async (t) => {
      const folder = scratch(t);
      const path = writeBrokenPlugin(broken, folder);
      const args = argumentsFor(broken, path);
      const env = variablesFor(broken);
      const ended = await runChild(t, {
        source: `
          const service = newService({ name: "program", root: ${JSON.stringify(folder)} });
          await service.run(async () => console.log("it ran"));`,
        argv: args,
        env,
      });
      assertOneLine(ended, "program", broken);
      const ran = await runMicro(["services", "--registry=memory", ...args], folder, env);
      assertOneLine(ran, "micro services", broken);
      // The same sentence, whoever tells it.
      assert.equal(ran.stderr.replace("micro services", ""), ended.stderr.replace("program", ""));
    });
  }
});

test("inspect --run of a plugin that is broken, and the stack that only debug shows", async (t) => {
  const folder = scratch(t);
  const broken = brokenPlugins.find(({ code }) => code === "PLUGIN_IMPORT_FAILED") as BrokenPlugin;
  const path = writeBrokenPlugin(broken, folder);
  assertOneLine(
    await runMicro(["plugin", "inspect", path, "--run"], folder, {}),
    "micro plugin inspect",
    broken,
  );
  const { code, stderr } = await runMicro(["plugin", "inspect", path, "--run"], folder, {
    MICRO_LOG_LEVEL: "debug",
  });
  assert.equal(code, 1);
  assert.match(stderr, /\n +at /);
});
