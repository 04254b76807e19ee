import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readManifest } from "./workspace.mjs";

/** What every folder in `plugins/` has. It may have more. */
const files = ["README.md", "package.json", "tsconfig.json", "src/index.ts", "test/conformance.test.ts"];

/**
 * One sentence for each thing that makes `folder` no plugin as its neighbours are: the same five files, a name
 * made of kind and name, the framework as a peer, `Plugin` exported by the built package, the shared suite run.
 */
export async function pluginFolderProblems(folder) {
  const missing = files.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0) return missing.map((file) => `${file} is missing`);

  const problems = [];
  const name = basename(folder);
  const [, kind, key] = /^([a-z]+)-([a-z0-9-]+)$/.exec(name) ?? [];
  if (kind === undefined) problems.push(`the folder's name ${name} is not <kind>-<name>`);

  const manifest = readManifest(folder);
  if (manifest.name !== `@ts-micro/${name}`) problems.push(`package.json: name is not @ts-micro/${name}`);
  if (manifest.peerDependencies?.["ts-micro"] === undefined) {
    problems.push("package.json: ts-micro is not a peer dependency");
  }
  const suite = kind === "client" || kind === "server" ? "clientServerConformance" : `${kind}Conformance`;
  if (!readFileSync(join(folder, "test/conformance.test.ts"), "utf8").includes(`${suite}(`)) {
    problems.push(`test/conformance.test.ts doesn't run ${suite}`);
  }
  const entry = join(folder, manifest.exports?.["."]?.default ?? "dist/src/index.js");
  if (!existsSync(entry)) return [...problems, "the package is not built"];

  const { Plugin } = await import(pathToFileURL(entry).href);
  if (Plugin === undefined) return [...problems, "the package doesn't export Plugin"];
  if (!configsOf(Plugin).some((config) => config.type === kind && config.name === key)) {
    problems.push(`Plugin has no config of type ${kind} with the name ${key}`);
  }
  return problems;
}

function configsOf(plugin) {
  return Array.isArray(plugin) ? plugin : [plugin];
}
