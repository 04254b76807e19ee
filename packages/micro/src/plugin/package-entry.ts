/**
 * Which file of a package `import` would take: Node's algorithm ("Resolution Algorithm Specification" in
 * `doc/api/esm.md`), with ESM's `import` conditions and from any folder. Node offers that only from inside
 * a module that lies there (`import.meta.resolve`), and `require.resolve` uses other conditions.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface PackageJson {
  name?: unknown;
  version?: unknown;
  main?: unknown;
  exports?: unknown;
}

/** A sentence that says why there is no entry. */
export class NoEntry extends Error {}

/**
 * Finds the folder of the package called `name`, as seen from a module in `root`: `root` itself when that
 * is its name, else the nearest `node_modules/name` upwards.
 */
export function findPackage(name: string, root: string): string | undefined {
  const own = existsSync(join(root, "package.json")) ? readPackageJson(root) : {};
  if (own.name === name && own.exports !== undefined) return root;
  for (let at = root; ; at = dirname(at)) {
    const folder = join(at, "node_modules", name);
    if (!at.endsWith(`${sep}node_modules`) && existsSync(join(folder, "."))) return folder;
    if (at === dirname(at)) return undefined;
  }
}

/**
 * The file that `subpath` (`.` or `./sub`) of the package in `folder` means. It need not exist.
 * @throws NoEntry when the package offers no such thing to `import`.
 */
export function packageEntry(folder: string, subpath: string): string {
  const { exports: offered, main } = readPackageJson(folder);
  if (offered !== undefined && offered !== null) {
    const target = exportedTarget(offered, subpath);
    if (typeof target !== "string") throw new NoEntry(notExported(offered, subpath));
    return inside(folder, target);
  }
  if (subpath !== ".") return join(folder, subpath);
  const candidates = typeof main === "string" ? [main, `${main}.js`, join(main, "index.js")] : [];
  const found = [...candidates, "index.js"].map((file) => join(folder, file)).find(isFile);
  if (found !== undefined) return found;
  throw new NoEntry(
    typeof main === "string"
      ? `its main file ${main} does not exist`
      : "its package.json names no exports and no main file",
  );
}

/** @throws NoEntry when it is there and is no JSON object. */
export function readPackageJson(folder: string): PackageJson {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return {};
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch (cause) {
    throw new NoEntry(`${file} is not readable JSON`, { cause });
  }
  throw new NoEntry(`${file} is not a JSON object`);
}

/** PACKAGE_EXPORTS_RESOLVE: a file, `null` when the package forbids it, `undefined` when it has no such subpath. */
function exportedTarget(offered: unknown, subpath: string): string | null | undefined {
  const conditions = importConditions();
  if (!isSubpathMap(offered)) return subpath === "." ? resolveTarget(offered, "", conditions) : undefined;
  if (Object.hasOwn(offered, subpath) && !subpath.includes("*")) {
    return resolveTarget(offered[subpath], "", conditions);
  }
  const pattern = Object.keys(offered)
    .filter((key) => patternMatches(key, subpath))
    .sort(patternOrder)[0];
  if (pattern === undefined) return undefined;
  const [head, tail] = pattern.split("*") as [string, string];
  return resolveTarget(
    offered[pattern],
    subpath.slice(head.length, subpath.length - tail.length),
    conditions,
  );
}

/** PACKAGE_TARGET_RESOLVE. `star` replaces each `*`. */
function resolveTarget(
  target: unknown,
  star: string,
  conditions: ReadonlySet<string>,
): string | null | undefined {
  if (typeof target === "string") {
    const file = target.replaceAll("*", () => star);
    if (!file.startsWith("./") || /(^|[\\/])(\.\.?|node_modules)([\\/]|$)/i.test(file.slice(2))) {
      throw new NoEntry(
        `its package.json exports ${JSON.stringify(file)}, which is not a path inside the package`,
      );
    }
    return file;
  }
  if (Array.isArray(target)) {
    // The first usable one, for older readers of package.json; an invalid one is passed over.
    return target.map((each) => attempt(() => resolveTarget(each, star, conditions))).find(isText) ?? null;
  }
  if (typeof target !== "object" || target === null) return null;
  for (const [condition, inner] of Object.entries(target)) {
    if (condition !== "default" && !conditions.has(condition)) continue;
    const found = resolveTarget(inner, star, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSubpathMap(offered: unknown): offered is Record<string, unknown> {
  return (
    typeof offered === "object" &&
    offered !== null &&
    !Array.isArray(offered) &&
    Object.keys(offered).some((key) => key.startsWith("."))
  );
}

function patternMatches(key: string, subpath: string): boolean {
  const [head, tail, more] = key.split("*");
  return (
    head !== undefined &&
    tail !== undefined &&
    more === undefined &&
    subpath.length >= key.length &&
    subpath !== head &&
    subpath.startsWith(head) &&
    subpath.endsWith(tail)
  );
}

/** PATTERN_KEY_COMPARE: the longest text before `*` first, then the longest key. */
function patternOrder(a: string, b: string): number {
  return b.indexOf("*") - a.indexOf("*") || b.length - a.length;
}

/** Node's own conditions for `import`, and those of `--conditions`. */
function importConditions(): ReadonlySet<string> {
  const words = [...(process.env.NODE_OPTIONS ?? "").split(/\s+/), ...process.execArgv];
  const chosen = words.flatMap((word, index) => {
    if (word === "-C" || word === "--conditions") return words[index + 1] ?? [];
    return /^(?:-C|--conditions)=(.+)$/.exec(word)?.[1] ?? [];
  });
  return new Set(["node", "import", "module-sync", "node-addons", ...chosen]);
}

function notExported(offered: unknown, subpath: string): string {
  const known = isSubpathMap(offered) ? Object.keys(offered) : ["."];
  return known.includes(subpath)
    ? `its exports offer nothing to import for ${JSON.stringify(subpath)} (only other conditions, such as require)`
    : `its exports have no ${JSON.stringify(subpath)}, they have ${known.join(", ")}`;
}

/** Targets are URLs relative to the package: `%20` is a space. */
function inside(folder: string, target: string): string {
  try {
    return fileURLToPath(new URL(target, pathToFileURL(folder + sep)));
  } catch (cause) {
    throw new NoEntry(`its package.json exports ${JSON.stringify(target)}, which is not a path`, { cause });
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof NoEntry) return undefined;
    throw error;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
