export { commonApi } from "./api.ts";
export { construct } from "./construct.ts";
export * from "./default-plugin.ts";
export { type InitialisedPlugin, initialisedPlugins } from "./init.ts";
export { type Inspection, inspect } from "./inspect.ts";
export { open } from "./load.ts";
export type { Manifest, ManifestPlugin } from "./manifest.ts";
export type { Module } from "./module.ts";
export * from "./plugin.ts";
export {
  PluginError,
  type PluginErrorCode,
  type PluginErrorFields,
  type PluginPhase,
  pluginErrorCodes,
  pluginPhases,
} from "./plugin-error.ts";
export { applicationRoot } from "./root.ts";
