/**
 * Writes the module that makes a plugin of a factory, for people who want to keep and change it.
 */
import { dirname, relative, resolve, sep } from "node:path";
import { hostSubpaths } from "./host.ts";
import type { BuildOptions, PluginSource } from "./plugin.ts";
import { namesFile, resolvePlugin } from "./resolve.ts";
import { checkSource, pluginModule } from "./template.ts";
import { writeWhole } from "./write-whole.ts";

/** See `Plugin.generate`. */
export async function generate(
  path: string,
  source: PluginSource,
  options: BuildOptions = {},
): Promise<void> {
  checkSource(source);
  const target = resolve(path);
  const specifier = specifierFrom(dirname(target), source.path, options.root);
  await writeWhole([{ path: target, text: pluginModule(source, specifier, specifier) }], source.path);
}

/** What a module in `folder` writes after `from`. */
function specifierFrom(folder: string, path: string, root: string | undefined): string {
  if (hostSubpaths.includes(path)) return path;
  const file = resolvePlugin(path, root);
  if (!namesFile(path)) return path;
  const steps = relative(folder, file).split(sep).join("/");
  // A specifier is a URL: these would not be part of the path.
  const escaped = steps.replace(/[%?#]/g, encodeURIComponent);
  return escaped.startsWith("../") ? escaped : `./${escaped}`;
}
