/**
 * A plugin's life up to the check: resolve → read → manifest → import → lookup → check. (Policy will stand
 * before import.) Nothing is registered yet.
 */
import { realpathSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { untoldCopies } from "../copies.ts";
import { parseDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import { newLogger } from "../logger.ts";
import { checkConfigs } from "./check.ts";
import { provideHost } from "./host.ts";
import { importPlugin } from "./import.ts";
import { rememberOrigin } from "./init.ts";
import { checkManifest, checkPlugins, readManifest } from "./manifest.ts";
import { lookupPlugin, type Module, newModule } from "./module.ts";
import { findPackage } from "./package-entry.ts";
import type { LoadOptions, PluginConfig } from "./plugin.ts";
import { PluginError } from "./plugin-error.ts";
import { readPlugin } from "./read.ts";
import { resolvePlugin } from "./resolve.ts";
import { applicationRoot } from "./root.ts";

/** Real path → what was opened, or is being opened. Failures leave, so that the next call tries again. */
const modules = new Map<string, Promise<Module>>();

/**
 * Opens a plugin file, as Go's `plugin.Open`: the same real path gives the same `Module`, also when many open
 * it at once. A file that changed since is not loaded again in this process; that is logged.
 * @throws PluginError
 */
export async function open(path: string, options: LoadOptions = {}): Promise<Module> {
  const timeoutMs = options.timeoutMs ?? importTimeoutMs();
  const real = resolvePlugin(path, options.root);
  const known = modules.get(real);
  if (known !== undefined) {
    const module = await known;
    await warnIfChanged(path, module);
    return module;
  }
  const opening = openFile(path, real, timeoutMs, options.root);
  modules.set(real, opening);
  try {
    return await opening;
  } catch (error) {
    modules.delete(real);
    throw error;
  }
}

/** See `Plugin.loadAll`. */
export async function loadAll(path: string, options?: LoadOptions): Promise<readonly PluginConfig[]> {
  const module = await open(path, options);
  const configs = configsOf(module, path);
  for (const config of configs) rememberOrigin(config, module.path);
  return configs;
}

/** Phases `lookup` and `check`. */
function configsOf(module: Module, named: string): readonly PluginConfig[] {
  const configs = checkConfigs(lookupPlugin(module), named, "check");
  if (module.manifest !== undefined) checkPlugins(module.manifest, configs, named);
  return configs;
}

/** See `Plugin.load`. */
export async function load(path: string, options?: LoadOptions): Promise<PluginConfig> {
  const configs = await loadAll(path, options);
  if (configs.length === 1) return configs[0]!;
  throw new PluginError({
    phase: "lookup",
    code: "PLUGIN_SEVERAL",
    path,
    what: `the module holds ${configs.length} plugins`,
    problems: configs.map(({ type, name }) => `${type} ${name}`),
    cure: "Use loadAll.",
  });
}

/** Opens one file, past the table of what is open. */
export async function openFile(
  named: string,
  real: string,
  timeoutMs: number,
  root?: string,
): Promise<Module> {
  const file = await readPlugin(named, real);
  const manifest = readManifest(file.text, named);
  if (manifest !== undefined) checkManifest(manifest, named);
  await provideHost(manifest?.host ?? []);
  const namespace = await importPlugin(file, timeoutMs);
  warnOfCopies(resolve(root ?? applicationRoot()));
  return newModule({ named, path: real, sha256: file.sha256, manifest, namespace });
}

/** @throws UsageError when `MICRO_PLUGIN_TIMEOUT` is not a duration above 0 */
export function importTimeoutMs(env: Readonly<Record<string, string | undefined>> = process.env): number {
  const text = env.MICRO_PLUGIN_TIMEOUT ?? "";
  const timeoutMs = text === "" ? 30_000 : parseDuration(text);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  throw new UsageError(
    `MICRO_PLUGIN_TIMEOUT: "${text}" is not a duration above 0; write it like MICRO_PLUGIN_TIMEOUT=30s`,
  );
}

/**
 * A plugin may have brought a ts-micro of its own. A command such as `micro` that was installed elsewhere has one too, while
 * the plugins of the project it works on share the project's: they write into the command's tables all the same.
 */
function warnOfCopies(root: string): void {
  const copies = untoldCopies(() => {
    const folder = findPackage("ts-micro", root);
    return folder && decodeURI(pathToFileURL(join(realpathSync(folder), sep)).href);
  });
  if (copies.length === 0) return;
  warn(
    `${copies.length} copies of ts-micro in one process, which share no tables and no memory parts: ${copies.join(", ")}; ` +
      "make ts-micro a peer dependency of the plugin that brings its own",
  );
}

/** Digests that were warned of. */
const warned = new Set<string>();

/** Go hands out the old code without a word (golang/go#17980). */
async function warnIfChanged(path: string, module: Module): Promise<void> {
  const now = await readPlugin(path, module.path).catch(() => undefined);
  if (now === undefined || now.sha256 === module.sha256 || warned.has(now.sha256)) return;
  warned.add(now.sha256);
  warn(`plugin ${path} changed on disk since it was opened; this process keeps what it has`);
}

function warn(text: string): void {
  newLogger({ level: process.env.MICRO_LOG_LEVEL }).warn(text);
}
