import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { filesBelow, readManifest } from "./workspace.mjs";

const kinds = ["broker", "client", "registry", "selector", "server", "store", "transport"];

/**
 * Which folders of `packages/micro/src` a folder may import, as ARCHITECTURE.md draws them. Files directly in
 * `src` may be imported from everywhere, except the tops; so may the types of an interface (`broker/broker.ts`).
 */
const arrows = {
  registry: [],
  codec: [],
  schema: ["registry", "codec"],
  store: [],
  transport: [],
  mux: ["codec", "transport/byte-collector.ts"],
  broker: ["registry", "codec", "mux", "transport/connect.ts", "transport/listener.ts"],
  selector: ["registry"],
  client: ["selector", "registry", "broker", "transport", "mux", "codec", "schema"],
  server: ["selector", "registry", "broker", "transport", "mux", "codec", "schema"],
  plugin: [...kinds, "codec", "cmd/defaults.ts", "cmd/flags.ts"],
  cmd: [...kinds, "codec", "plugin"],
  "parts.ts": kinds,
  "kinds.ts": kinds,
  service: [...kinds, "codec", "plugin", "cmd"],
  "service.ts": [...kinds, "codec", "schema", "plugin", "cmd", "service"],
  "index.ts": [...kinds, "codec", "schema", "plugin", "cmd", "service.ts"],
};

/** Hands the whole package to built plugins, when it is asked to: its dynamic imports may go anywhere. */
const host = "plugin/host.ts";

/** Imported by nobody below them. */
const tops = ["service.ts", "index.ts"];

/** The imports of one TypeScript or JavaScript file: static, re-exports, dynamic ones with a literal name. */
export function importsOf(source) {
  const withoutComments = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = [];
  for (const [, typeOnly, specifier] of withoutComments.matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^;"'`]*?\sfrom\s+)?["']([^"'\n]+)["']/gm,
  )) {
    found.push({ specifier, typeOnly: typeOnly !== undefined, dynamic: false });
  }
  for (const [, specifier] of withoutComments.matchAll(/\bimport\(\s*["']([^"'\n]+)["']\s*[,)]/g)) {
    found.push({ specifier, typeOnly: false, dynamic: true });
  }
  return found;
}

/** One sentence per import in `packages/micro/src` (at `folder`) that goes against the arrows. */
export function arrowProblems(folder) {
  return filesBelow(folder).flatMap((file) => {
    const from = unitOf(file);
    const allowed = arrows[from] ?? [];
    return importsOf(readFileSync(join(folder, file), "utf8"))
      .filter(({ specifier, dynamic }) => specifier.startsWith(".") && !(dynamic && file === host))
      .map(({ specifier, typeOnly }) => ({ target: posix.join(posix.dirname(file), specifier), typeOnly }))
      .filter(({ target, typeOnly }) => {
        const to = unitOf(target);
        if (typeOnly && target === `${to}/${to}.ts`) return false;
        if (to === from || allowed.includes(to) || allowed.includes(target)) return false;
        return target.includes("/") || tops.includes(target);
      })
      .map(({ target }) => `${file} may not import ${target}`);
  });
}

function unitOf(file) {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : file;
}

/**
 * One sentence per import that leaves the package at `folder` without being declared: sources may use its
 * dependencies and peers, tests also its development dependencies.
 */
export function dependencyProblems(folder) {
  const manifest = readManifest(folder);
  const forSources = [manifest.dependencies, manifest.peerDependencies].flatMap((part) =>
    Object.keys(part ?? {}),
  );
  const forTests = [...forSources, ...Object.keys(manifest.devDependencies ?? {}), manifest.name];
  const sources = filesBelow(folder).filter((file) => /^(src|bin|test)\/.*\.[mc]?[jt]s$/.test(file));
  return sources
    .filter((file) => !file.includes("/fixtures/"))
    .flatMap((file) => {
      const declared = file.startsWith("test/") ? forTests : forSources;
      return importsOf(readFileSync(join(folder, file), "utf8"))
        .map(({ specifier }) => specifier)
        .filter((specifier) =>
          specifier.startsWith(".")
            ? posix.join(dirname(file), specifier).startsWith("..")
            : !specifier.startsWith("node:") && !declared.includes(packageOf(specifier)),
        )
        .map((specifier) => `${manifest.name}: ${file} may not import ${specifier}`);
    });
}

function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * Circles of imports at run time below `folder`, each as the list of its files. Type imports don't count, nor do
 * dynamic ones, which happen when everything is there.
 */
export function importCircles(folder) {
  const graph = new Map(
    filesBelow(folder).map((file) => [
      file,
      importsOf(readFileSync(join(folder, file), "utf8"))
        .filter(({ specifier, typeOnly, dynamic }) => !typeOnly && !dynamic && specifier.startsWith("."))
        .map(({ specifier }) => posix.join(posix.dirname(file), specifier)),
    ]),
  );
  const done = new Set();
  const circles = [];
  const walk = (file, path) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file]);
    if (done.has(file) || path.includes(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return circles;
}
