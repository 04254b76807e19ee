/** What the tests of the plugin package share: temporary folders, child processes, plugins written as text. */
import { execFile } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export { brokerFactory, brokerPlugin, writeFiles } from "./plugin-texts.ts";

/** The folder of the package ts-micro; this file runs as dist/test/plugin/support.js. */
export const packageFolder = fileURLToPath(new URL("../../../", import.meta.url));

/** URL of the compiled plugin package, for programs that run elsewhere. */
export const pluginUrl = new URL("../../src/plugin/index.js", import.meta.url).href;

/** A new folder outside the repository, removed when the file's tests have ended. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "ts-micro test ")));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs Node and waits for its end; 30 s guard against hanging. */
export function runNode(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; uid?: number; input?: string } = {},
): Promise<Ran> {
  const { input = "", env, ...rest } = options;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      words,
      { ...rest, env: { ...process.env, NODE_OPTIONS: "", ...env }, timeout: 30_000 },
      (error, stdout, stderr) =>
        resolve({
          code: error === null ? 0 : typeof error.code === "number" ? error.code : null,
          stdout,
          stderr,
        }),
    );
    child.stdin?.end(input);
  });
}

/** Runs `test` with the working directory set to `folder`. */
export async function inFolder<T>(folder: string, test: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await test();
  } finally {
    process.chdir(before);
  }
}

/** Runs `test` with environment variables set. */
export async function withEnvironment<T>(
  variables: Record<string, string>,
  test: () => Promise<T>,
): Promise<T> {
  const before = new Map(Object.keys(variables).map((name) => [name, process.env[name]]));
  Object.assign(process.env, variables);
  try {
    return await test();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
