import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./workspace.mjs";

/**
 * Packs the package in `folder`, a path from the root, as `npm publish` would.
 * @returns the tarball's path, and the paths of the files in it
 */
export function pack(folder, destination) {
  const { stdout, stderr, status } = spawnSync(
    "npm",
    ["pack", `./${folder}`, "--json", "--pack-destination", destination],
    { cwd: root, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(`npm pack ./${folder} failed\n${stdout}${stderr}`);
  const [{ filename, files }] = JSON.parse(stdout);
  return { tarball: join(destination, filename), files: files.map(({ path }) => path) };
}
