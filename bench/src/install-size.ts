import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bench = fileURLToPath(new URL("../../", import.meta.url));

export interface InstallSize {
  readonly mebibytes: number;
  readonly packages: number;
}

/**
 * What npm puts on the disk for these packages and all that they depend on: the files of published ones.
 * @param project the folder of the project that has them. @default the bench
 */
export function installSize(names: readonly string[], project = bench): InstallSize {
  const folders = new Set<string>();
  const add = (name: string, from: string): void => {
    const folder = folderOf(name, from);
    if (folder === undefined || folders.has(folder)) return;
    folders.add(folder);
    for (const dependency of Object.keys(manifestOf(folder).dependencies ?? {})) add(dependency, folder);
  };
  for (const name of names) add(name, project);
  let bytes = 0;
  for (const folder of folders) bytes += publishedBytes(folder);
  return { mebibytes: bytes / 2 ** 20, packages: folders.size };
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  /** What is published; all when absent. */
  readonly files?: readonly string[];
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** As Node looks for it: in each `node_modules` on the way up. */
export function folderOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = join(at, "..")) {
    const folder = join(at, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
    if (join(at, "..") === at) return undefined;
  }
}

/** Installed packages have only their published files; a package of this workspace is measured by its `files`. */
function publishedBytes(folder: string): number {
  if (folder.includes("node_modules")) return bytesBelow(folder);
  const files = ["package.json", ...(manifestOf(folder).files ?? [])];
  return files.reduce((sum, file) => sum + bytesBelow(join(folder, file)), 0);
}

function bytesBelow(path: string): number {
  if (!lstatSync(path).isDirectory()) return lstatSync(path).size;
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}
