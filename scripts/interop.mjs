/** `npm run interop`: builds the Go programs, runs the tests against them, and writes the tables of docs/interop.md. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const records = join(root, ".cache/interop/records.json");
const env = { ...process.env, REQUIRE_SERVICES: "1" };
const steps = [
  ["build-go.mjs"],
  ["test.mjs", "--records", records, "interop/dist/test/"],
  ["interop-table.mjs", records],
];
for (const [script, ...args] of steps) {
  const { status } = spawnSync(process.execPath, [join(root, "scripts", script), ...args], {
    env,
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
  // A table with failures is written as well; without the programs there is none.
  if (status !== 0 && script === "build-go.mjs") break;
}
