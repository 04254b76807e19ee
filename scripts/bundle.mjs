/**
 * What npm gets of `ts-micro`: the same modules in a few files, because Node needs some 0.3 ms for each file that it
 * imports, and most programs import nearly all of them.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { rollup } from "rollup";
import { readManifest, root } from "./workspace.mjs";

/** Modules that are started as threads, which no import tells of. */
const threads = ["dist/src/plugin/describe.js"];

/**
 * Writes the package at `folder`, a path from the root, to `destination` as it is to be packed.
 *
 * Everything that the main entry imports is one file, `core.js`, and each other entry has what only it needs. What is
 * imported dynamically stays a file of its own. So there is one instance of each module, whatever is imported first.
 * Neither is anything minified, nor are comments or names lost: a stack trace and a debugger show code that reads as it
 * was written, and there are no source maps.
 */
export async function bundlePackage(folder, destination) {
  const source = join(root, folder);
  const { devDependencies: _, scripts: __, ...manifest } = readManifest(source);
  const entries = Object.values(manifest.exports).flatMap((target) => target.default ?? []);
  const inSource = (id) => relative(join(source, "dist/src"), id).split(sep).join("/");
  const bundle = await rollup({
    input: [...entries, ...threads].map((entry) => join(source, entry)),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    onLog(_level, { code, message }) {
      // The compiler's helper for `await using` asks for `this`, in case that it is a script.
      if (code !== "THIS_IS_UNDEFINED") throw new Error(message);
    },
  });
  await bundle.write({
    dir: join(destination, "dist/src"),
    entryFileNames: ({ facadeModuleId }) => inSource(facadeModuleId),
    chunkFileNames: ({ facadeModuleId, name }) =>
      facadeModuleId === null ? `${name}.js` : inSource(facadeModuleId),
    manualChunks: reachedFrom(join(source, entries[0]), "core"),
    minifyInternalExports: false,
    hoistTransitiveImports: false,
  });
  await bundle.close();
  const types = Object.values(manifest.exports).flatMap((target) => target.types ?? []);
  copyTypes(types, source, destination);
  for (const file of ["LICENSE", "README.md"]) copyFileSync(join(source, file), join(destination, file));
  const packed = { ...manifest, files: ["dist/src"] };
  writeFileSync(join(destination, "package.json"), `${JSON.stringify(packed, null, 2)}\n`);
}

/** Puts all that `entry` imports statically, at any distance, into the chunk `name`. */
function reachedFrom(entry, name) {
  let reached;
  return (id, { getModuleInfo }) => {
    reached ??= closure(entry, (each) => getModuleInfo(each)?.importedIds ?? []);
    return reached.has(id) ? name : undefined;
  };
}

function closure(start, next, found = new Set()) {
  if (found.has(start)) return found;
  found.add(start);
  for (const each of next(start)) closure(each, next, found);
  return found;
}

/**
 * Declarations that an entry's need, as the compiler wrote them, without what maps them to sources that aren't there.
 */
function copyTypes(entries, from, to) {
  const importsOf = (file) =>
    Array.from(
      readFileSync(file, "utf8").matchAll(/(?:from |import |import\()"(\.[^"]+)\.[jt]s"/g),
      ([, name]) => `${join(dirname(file), name)}.d.ts`,
    );
  const needed = new Set();
  for (const entry of entries) closure(join(from, entry), importsOf, needed);
  for (const file of needed) {
    const text = readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
    const target = join(to, relative(from, file));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}
