/**
 * The plugin system of the process, and functions that use it, as go-micro's package `plugin` has them.
 */
import { initConfig } from "./init.ts";
import { loadAll as loadEach, load as loadOne } from "./load.ts";
import type { BuildOptions, BuildResult, LoadOptions, Plugin, PluginConfig, PluginSource } from "./plugin.ts";

/** The system that ts-micro brings. It keeps no state of its own: tables and opened modules are the process's. */
export function newPlugin(): Plugin {
  return {
    init: initConfig,
    load: loadOne,
    loadAll: loadEach,
    // What makes plugins isn't loaded into services, which only use them.
    build: async (...asked) => (await import("./build.ts")).build(...asked),
    generate: async (...asked) => (await import("./generate.ts")).generate(...asked),
  };
}

/** What `init`, `load`, `loadAll`, `build` and `generate` use, and services with them. */
export let defaultPlugin: Plugin = newPlugin();

/** Replaces `defaultPlugin`, for example by one that asks a lock file first. */
export function setDefaultPlugin(plugin: Plugin): void {
  defaultPlugin = plugin;
}

/** See `Plugin.init`. */
export function init(config: PluginConfig): void {
  defaultPlugin.init(config);
}

/** See `Plugin.load`. */
export async function load(path: string, options?: LoadOptions): Promise<PluginConfig> {
  return defaultPlugin.load(path, options);
}

/** See `Plugin.loadAll`. */
export async function loadAll(path: string, options?: LoadOptions): Promise<readonly PluginConfig[]> {
  return defaultPlugin.loadAll(path, options);
}

/** See `Plugin.build`. */
export async function build(
  path: string,
  source: PluginSource,
  options?: BuildOptions,
): Promise<BuildResult> {
  return defaultPlugin.build(path, source, options);
}

/** See `Plugin.generate`. */
export async function generate(path: string, source: PluginSource, options?: BuildOptions): Promise<void> {
  return defaultPlugin.generate(path, source, options);
}
