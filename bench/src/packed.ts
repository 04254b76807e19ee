import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Packed extends Disposable {
  /** The project that has our package installed. */
  readonly folder: string;
  /** `start-process.js` in it. */
  readonly program: string;
}

/**
 * A project with ts-micro as npm installs it, as the peers are installed, and in it a copy of the bench, which finds that
 * one. In the repository the package has other files: those of the compiler.
 */
export function newPacked(): Packed {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-bench-"));
  run(process.execPath, [join(root, "scripts/pack.mjs"), "packages/micro", "--to", folder], root);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(folder, "ts-micro-*.tgz")], folder);
  cpSync(fileURLToPath(new URL(".", import.meta.url)), join(folder, "bench"), { recursive: true });
  return {
    folder,
    program: join(folder, "bench/start-process.js"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function run(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    shell: command === "npm",
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed\n${stdout}${stderr}`);
}
