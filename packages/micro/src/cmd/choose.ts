/**
 * From a name to the factory that is called so: in the table of its kind, or in a first-party package.
 */
import type { Factory, Kind } from "../kinds.ts";
import { init, type LoadOptions, loadAll } from "../plugin/index.ts";
import { initialisedPlugins } from "../plugin/init.ts";
import { PluginError } from "../plugin/plugin-error.ts";
import { applicationRoot, dependenciesOf } from "../plugin/root.ts";
import { didYouMean } from "../shape.ts";
import { tables } from "./defaults.ts";
import { firstPartyNames } from "./first-party.ts";
import { knownNames } from "./help.ts";

/** Loads and initialises each plugin before the next one, as go-micro does (`service.go`, Init). */
export async function loadPlugins(paths: readonly string[], options: LoadOptions): Promise<void> {
  for (const path of paths) {
    for (const config of await loadAll(path, options)) init(config);
  }
}

/**
 * Makes the first-party implementation `name` known, if it isn't, and its package is installed:
 * `@ts-micro/broker-nats`. A package that isn't there is no error here; `factoryOf` tells.
 * @throws PluginError when it is there but can't be used.
 */
export async function loadFirstParty(kind: Kind, name: string, options: LoadOptions): Promise<void> {
  const package_ = packageOf(kind, name);
  if (Object.hasOwn(tables[kind], name) || package_ === undefined) return;
  try {
    await loadPlugins([package_], options);
  } catch (error) {
    if (!(PluginError.is(error) && error.code === "PLUGIN_PACKAGE_NOT_FOUND")) throw error;
  }
}

/**
 * Makes the first-party clients or servers known that the application's package.json names as dependencies, so
 * that they can stand beside the default one. Other kinds have nothing of that sort.
 * @throws PluginError when one is there but can't be used.
 */
export async function loadInstalled(kind: Kind, options: LoadOptions): Promise<void> {
  if (kind !== "client" && kind !== "server") return;
  const prefix = `@ts-micro/${kind}-`;
  const packages = dependenciesOf(options.root ?? applicationRoot());
  for (const name of packages.filter((each) => each.startsWith(prefix))) {
    await loadFirstParty(kind, name.slice(prefix.length), options);
  }
}

/**
 * @param askedBy the flag, variable or option that named it
 * @throws PluginError listing the known names and the plugins that are loaded.
 */
export function factoryOf<K extends Kind>(kind: K, name: string, askedBy: string): Factory<K> {
  const factory = tables[kind][name];
  if (factory === undefined) throw unknownName(kind, name, askedBy);
  return factory;
}

/** Only a key makes a package name: nothing else may reach the resolver. */
function packageOf(kind: Kind, name: string): string | undefined {
  return /^[a-z][a-z0-9-]*$/.test(name) ? `@ts-micro/${kind}-${name}` : undefined;
}

function unknownName(kind: Kind, name: string, askedBy: string): PluginError {
  const known = [...new Set([...knownNames(kind), ...firstPartyNames[kind]])];
  const plugins = initialisedPlugins().map((plugin) => `${plugin.type} ${plugin.name} from ${plugin.from}`);
  return new PluginError({
    phase: "resolve",
    code: "PLUGIN_NAME_UNKNOWN",
    path: name,
    // go-micro's words for those kinds that it does not ignore.
    what: `${kind[0]?.toUpperCase()}${kind.slice(1)} ${name} not found`,
    problems: [
      `asked for by ${askedBy}`,
      `known: ${known.join(", ") || "none"}`,
      `plugins loaded: ${plugins.join(", ") || "none"}`,
    ],
    cure: cureOf(kind, name, known),
  });
}

/** A name that is one of ts-micro's own is here because its package isn't installed. */
function cureOf(kind: Kind, name: string, known: readonly string[]): string {
  if (firstPartyNames[kind].includes(name)) return `Run: npm install @ts-micro/${kind}-${name}`;
  const near = didYouMean(name, known);
  const suggestion = near === undefined ? "" : `Did you mean ${near}? `;
  return `${suggestion}A plugin of somebody else is found by its path or package: --plugin=<path or package>, or MICRO_PLUGIN`;
}
