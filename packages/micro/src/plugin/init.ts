/**
 * Phase `register`: writes a plugin's factory into the table of its kind. Chooses nothing.
 */
import { isBuiltIn, tables, wires } from "../cmd/defaults.ts";
import type { Kind } from "../kinds.ts";
import { checkConfigs } from "./check.ts";
import type { PluginConfig } from "./plugin.ts";
import { PluginError } from "./plugin-error.ts";

/** A plugin whose factory was written into a table of this process. */
export interface InitialisedPlugin {
  readonly type: Kind;
  readonly name: string;
  /** The file or package it was loaded from; its `path` when it was imported by the program itself. */
  readonly from: string;
  readonly config: PluginConfig;
}

const initialised: InitialisedPlugin[] = [];

/** Which module a config was loaded from. */
const origins = new WeakMap<PluginConfig, string>();

/** All plugins of this process so far, in order. */
export function initialisedPlugins(): readonly InitialisedPlugin[] {
  return [...initialised];
}

/** Remembers where `config` was loaded from, for messages and to know it again. */
export function rememberOrigin(config: PluginConfig, realPath: string): void {
  origins.set(config, realPath);
}

/** See `Plugin.init`. */
export function initConfig(config: PluginConfig): void {
  const from = originOf(config);
  checkConfigs(config, from, "register");
  const { type, name, newFunc } = config;
  const table: Record<string, unknown> = tables[type];
  const present = table[name];
  const known = initialised.some((plugin) => isSame(plugin, config));
  // A service of the same process has been here before; another plugin may have overridden this one since.
  if (present !== undefined && known) return;
  if (present !== undefined && present !== newFunc && config.override !== true) {
    throw nameTaken(config, from, present);
  }
  table[name] = newFunc;
  if (config.type === "client" || config.type === "server") {
    // An overriding plugin's wire replaces the other's, and so does its having none.
    delete wires[config.type][name];
    if (config.wire !== undefined) Object.assign(wires[config.type], { [name]: config.wire });
  }
  if (!known) initialised.push({ type, name, from, config });
}

function isSame(plugin: InitialisedPlugin, config: PluginConfig): boolean {
  return (
    plugin.type === config.type &&
    plugin.name === config.name &&
    (plugin.config.newFunc === config.newFunc ||
      (origins.has(config) && origins.get(config) === origins.get(plugin.config)))
  );
}

function nameTaken(config: PluginConfig, from: string, present: unknown): PluginError {
  const { type, name } = config;
  const owner = initialised.findLast((plugin) => plugin.config.newFunc === present)?.from;
  const by = owner ?? (isBuiltIn(present) ? "ts-micro itself" : "the program itself");
  return new PluginError({
    phase: "register",
    code: "PLUGIN_NAME_TAKEN",
    path: from,
    what: `Invalid plugin ${name}: the ${type} ${name} comes from ${by} already`,
    cure: "Give the plugin another name, or set override: true in its config to replace that one.",
  });
}

/** Where messages say the plugin comes from. */
function originOf(config: PluginConfig): string {
  return origins.get(config) ?? (typeof config?.path === "string" ? config.path : "in the program");
}
