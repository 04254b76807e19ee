/**
 * Packs published packages as they go to npm: `npm publish` is given the tarballs.
 *
 *     node scripts/pack.mjs                              all, into the folder `packed`
 *     node scripts/pack.mjs packages/micro --to <folder>
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundlePackage } from "./bundle.mjs";
import { publishedPackages, root } from "./workspace.mjs";

/** Others have few files of their own, which bundling would make no faster to import. */
const bundled = "packages/micro";

/**
 * Packs the package in `folder`, a path from the root, as it is published.
 * @returns the tarball's path, and the paths of the files in it
 */
export async function pack(folder, destination) {
  if (folder !== bundled) return npmPack(join(root, folder), destination);
  const staged = mkdtempSync(join(tmpdir(), "ts-micro-bundle-"));
  try {
    await bundlePackage(folder, staged);
    return npmPack(staged, destination);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

function npmPack(folder, destination) {
  const { stdout, stderr, status } = spawnSync("npm", ["pack", "--json", "--pack-destination", destination], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`npm pack in ${folder} failed\n${stdout}${stderr}`);
  const [{ filename, files }] = JSON.parse(stdout);
  return { tarball: join(destination, filename), files: files.map(({ path }) => path) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { to: { type: "string" } } });
  const folders = positionals.length > 0 ? positionals : publishedPackages().map(({ folder }) => folder);
  const destination = resolve(values.to ?? join(root, "packed"));
  mkdirSync(destination, { recursive: true });
  for (const folder of folders) console.log((await pack(folder, destination)).tarball);
}
