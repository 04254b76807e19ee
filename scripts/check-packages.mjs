/**
 * Packs every published package as npm would and checks the result with publint and attw.
 *
 *     node scripts/check-packages.mjs
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "./pack.mjs";
import { publishedPackages } from "./workspace.mjs";

const scratch = mkdtempSync(join(tmpdir(), "ts-micro-pack-"));
let failed = 0;

for (const { folder, manifest } of publishedPackages()) {
  const { tarball, files } = await pack(folder, scratch);
  const strays = files.filter(
    (file) => !/^(bin|dist\/src|fixtures|src)\/|^(LICENSE|README\.md|package\.json)$/.test(file),
  );
  if (strays.length > 0)
    problem(manifest.name, "what is published", { stdout: strays.join("\n"), stderr: "" });
  check(manifest.name, "publint", ["publint", "run", tarball, "--strict"]);
  // A package that only has a command has no types to look at.
  if (manifest.exports !== undefined) {
    check(manifest.name, "attw", [
      "attw",
      tarball,
      "--profile",
      "esm-only",
      "--no-definitely-typed",
      "--no-emoji",
    ]);
  }
  console.log(`${manifest.name}: ${files.length} files`);
}
rmSync(scratch, { recursive: true, force: true });
process.exitCode = failed === 0 ? 0 : 1;

function check(name, tool, command) {
  const result = run("npx", ["--no", "--", ...command]);
  if (result.status !== 0) problem(name, tool, result);
}

function problem(name, tool, { stdout, stderr }) {
  failed += 1;
  console.error(`${name}: ${tool} failed\n${stdout}${stderr}`);
}

function run(command, args) {
  return spawnSync(command, args, { encoding: "utf8", shell: process.platform === "win32" });
}
