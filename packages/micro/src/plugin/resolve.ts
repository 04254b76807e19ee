/**
 * Phase `resolve`: from what a user wrote to the real path of one file.
 */
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { didYouMean } from "../shape.ts";
import { findPackage, NoEntry, packageEntry } from "./package-entry.ts";
import { PluginError, type PluginErrorCode, reasonOf } from "./plugin-error.ts";
import { applicationRoot } from "./root.ts";

/** What `import` can read, given a Node that knows TypeScript. */
export const scriptExtensions = [".mjs", ".js", ".cjs", ".ts", ".mts", ".cts"];

/**
 * Accepts a path (relative ones are meant from the working directory), a `file:` URL, a folder with a
 * `package.json`, and the name of an npm package, which is looked up from `root` as `import` does.
 *
 * `nats.mjs` without `./` is a file when there is one, as in go-micro; every other bare word is a package.
 * @throws PluginError phase `resolve`
 */
export function resolvePlugin(path: string, root?: string): string {
  try {
    return resolveAny(path, root);
  } catch (cause) {
    if (PluginError.is(cause)) throw cause;
    throw failure(path, "PLUGIN_UNREADABLE", reasonOf(cause), "Check the path and who may read it.", cause);
  }
}

function resolveAny(path: string, root: string | undefined): string {
  if (path.trim() === "") {
    throw failure(
      path,
      "PLUGIN_PATH_INVALID",
      "the path of the plugin is empty",
      "Name a file or a package.",
    );
  }
  if (path.startsWith("file:")) return resolveFile(path, fromUrl(path));
  if (/^[a-z][a-z0-9+.-]+:/i.test(path) && !isAbsolute(path)) {
    throw failure(
      path,
      "PLUGIN_PATH_INVALID",
      "a plugin can't be loaded from such an address",
      "Name a file, a file: URL or a package.",
    );
  }
  if (namesFile(path)) return resolveFile(path, resolve(path));
  return resolvePackage(path, resolve(root ?? applicationRoot()));
}

/** Whether `path` means a file or folder, and not a package. */
export function namesFile(path: string): boolean {
  return path.startsWith("file:") || isPath(path) || (looksLikeFile(path) && isThere(path));
}

function looksLikeFile(path: string): boolean {
  return scriptExtensions.includes(extname(path));
}

function isPath(path: string): boolean {
  return isAbsolute(path) || /^\.{0,2}([\\/]|$)/.test(path) || path.endsWith(".so");
}

function fromUrl(path: string): string {
  try {
    return fileURLToPath(path);
  } catch (cause) {
    throw failure(path, "PLUGIN_PATH_INVALID", reasonOf(cause), "Write file:///folder/plugin.mjs.", cause);
  }
}

function resolveFile(path: string, absolute: string): string {
  const real = realPath(path, absolute);
  if (!statSync(real).isDirectory()) return real;
  if (existsSync(join(real, "package.json"))) return resolveEntry(path, real, ".");
  throw failure(path, "PLUGIN_NO_ENTRY", `${real} is a folder without package.json`, "Name a file in it.");
}

function realPath(path: string, absolute: string): string {
  try {
    return realpathSync(absolute);
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw cause;
    const near = nearFile(absolute);
    const cure =
      near === undefined
        ? "Relative paths are meant from the working directory."
        : `Did you mean ${spelledLike(path, near)}?`;
    throw failure(path, "PLUGIN_NOT_FOUND", `no such file: ${absolute}`, cure, cause);
  }
}

function resolvePackage(path: string, root: string): string {
  const match = /^(@[^\\/%]+\/[^\\/%]+|[^.@\\/%][^\\/%]*)(\/.*)?$/.exec(path);
  const name = match?.[1];
  if (name === undefined) {
    throw failure(
      path,
      "PLUGIN_PATH_INVALID",
      "this is neither a path nor the name of a package",
      "Paths of files begin with ./ or /.",
    );
  }
  const folder = lookUp(path, () => findPackage(name, root));
  if (folder !== undefined) return resolveEntry(path, realpathSync(folder), `.${match?.[2] ?? ""}`);
  if (looksLikeFile(path)) return realPath(path, resolve(path));
  const cure = isThere(path) ? `Did you mean ./${path}?` : `Run: npm install ${name} in that folder.`;
  throw failure(path, "PLUGIN_PACKAGE_NOT_FOUND", `no package ${name} can be imported from ${root}`, cure);
}

function resolveEntry(path: string, folder: string, subpath: string): string {
  const entry = lookUp(path, () => packageEntry(folder, subpath));
  const found = statSync(entry, { throwIfNoEntry: false });
  if (found?.isFile() === true) return realpathSync(entry);
  throw failure(
    path,
    "PLUGIN_NO_ENTRY",
    `the entry ${relative(folder, entry)} of ${folder} ${found === undefined ? "does not exist" : "is not a file"}`,
    "Build that package, or fix its package.json.",
  );
}

function lookUp<T>(path: string, find: () => T): T {
  try {
    return find();
  } catch (cause) {
    if (!(cause instanceof NoEntry)) throw cause;
    const cure = "Name a file, or give the package.json an entry that import can use.";
    throw failure(path, "PLUGIN_NO_ENTRY", `${path} has no entry: ${cause.message}`, cure, cause);
  }
}

/** A file beside the missing one with nearly its name, or its name with another ending. */
function nearFile(absolute: string): string | undefined {
  const folder = dirname(absolute);
  const wanted = basename(absolute);
  try {
    const names = readdirSync(folder).filter((name) => scriptExtensions.includes(extname(name)));
    const stem = basename(wanted, extname(wanted));
    const near = didYouMean(wanted, names) ?? names.find((name) => basename(name, extname(name)) === stem);
    return near === undefined ? undefined : join(folder, near);
  } catch {
    return undefined;
  }
}

function spelledLike(path: string, near: string): string {
  if (isAbsolute(path) || path.startsWith("file:")) return near;
  const steps = relative(process.cwd(), near);
  return steps.startsWith("..") ? steps : `./${steps}`;
}

function isThere(path: string): boolean {
  return existsSync(resolve(path));
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function failure(
  path: string,
  code: PluginErrorCode,
  what: string,
  cure: string,
  cause?: unknown,
): PluginError {
  return new PluginError({ phase: "resolve", code, path, what, cure, cause });
}
