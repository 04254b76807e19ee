/**
 * Builds the Go programs that ours are tested against, each module of `interop/go` into `.cache/interop/<module>`:
 * its own programs and its tools. Go builds only what has changed.
 *
 *     node scripts/build-go.mjs [module...]
 *
 * Without Go it says how to get it, and ends well: the tests are then skipped, each with that line. With
 * `REQUIRE_SERVICES=1` it fails.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { overlayFlags } from "./go-overlay.mjs";
import { root, subfolders } from "./workspace.mjs";

const wanted = process.argv.slice(2);
const modules = subfolders("interop/go").filter(
  (folder) => wanted.length === 0 || wanted.includes(basename(folder)),
);

if (run(["version"], root).error !== undefined) {
  console.error("Go is missing, the programs are not built. Install 1.26 or later: https://go.dev/dl/");
  process.exit(process.env.REQUIRE_SERVICES === "1" ? 1 : 0);
}
for (const folder of modules) {
  const into = join(root, ".cache/interop", basename(folder));
  mkdirSync(into, { recursive: true });
  const flags = overlayFlags(join(root, folder));
  const { status, stderr } = run(["build", ...flags, "-o", `${into}/`, "tool", "./..."], join(root, folder));
  if (status !== 0) {
    console.error(`${folder}: go build failed\n${stderr}`);
    process.exitCode = 1;
  } else console.log(`${folder} is built`);
}

function run(args, cwd) {
  // What go.sum doesn't know is refused, so that the programs are the same everywhere.
  const env = { ...process.env, GOFLAGS: `${process.env.GOFLAGS ?? ""} -mod=readonly`.trim() };
  return spawnSync("go", args, { cwd, env, encoding: "utf8" });
}
