/**
 * The command line of a service: plugins first, then the flags that may name what they brought.
 */
import { HelpRequested } from "../errors.ts";
import type { Factory, Kind } from "../kinds.ts";
import { initialisedPlugins } from "../plugin/init.ts";
import { importTimeoutMs } from "../plugin/load.ts";
import type { LoadOptions } from "../plugin/plugin.ts";
import { PluginError } from "../plugin/plugin-error.ts";
import { factoryOf, loadFirstParty, loadInstalled, loadPlugins } from "./choose.ts";
import { type FlagValue, type Source, splitList } from "./flag-value.ts";
import { choiceFlags, type Flag, frameworkFlags, pluginFlag, settingFlags, variableOf } from "./flags.ts";
import { helpText } from "./help.ts";
import { type Environment, type Parsed, parseFlags, scanFlag } from "./parse.ts";

export interface CommandOptions {
  /** What the program is called in `--help`. */
  readonly name: string;
  /** What it is, in one line of `--help`. @default "a ts-micro service" */
  readonly description?: string | undefined;
  /** What `--help` shows under USAGE. @default `<name> [options] [arguments...]` */
  readonly usage?: string | undefined;
  /** The program's own flags, as go-micro's `micro.Flags`. */
  readonly flags?: readonly Flag[] | undefined;
  /** Without the names of Node and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** @default "error" */
  readonly unknownFlags?: "error" | "ignore" | undefined;
  /** Folder from which names of packages are resolved. @default the application's root */
  readonly root?: string | undefined;
  /** What code chose by name, where no flag does. First-party packages are found for these too. */
  readonly names?: { readonly [K in Kind]?: string };
  /** The kinds that code chose in any way. @default those in `names` */
  readonly chosen?: readonly Kind[];
}

/** What the command line and the environment ask for, and nothing that they don't. */
export interface Command {
  readonly choices: { readonly [K in Kind]?: { readonly key: string; readonly factory: Factory<K> } };
  readonly settings: readonly Setting[];
  /** Those of the program's own flags that were given, by name. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** What isn't ours, in its order: words, ignored flags, everything behind `--`. */
  readonly args: readonly string[];
}

/** One option of a part. */
export interface Setting {
  readonly kind: Kind;
  /** Set when the flag belongs to one implementation: the plugin's key. */
  readonly key?: string;
  readonly option: string;
  readonly value: FlagValue;
  readonly source: Source;
}

/**
 * Loads the plugins of `MICRO_PLUGIN` and then those of `--plugin`, reads the flags, and finds what they name.
 * @throws PluginError a plugin can't be used, or a name isn't known.
 * @throws UsageError the flags or variables are wrong.
 * @throws HelpRequested with the text of `--help`.
 */
export async function readCommand(options: CommandOptions): Promise<Command> {
  const { name, description, usage, flags: own = [], argv, env, names = {}, chosen = [] } = options;
  const loading = loadOptions(options);
  const pluginPaths = [...splitList(env.MICRO_PLUGIN ?? ""), ...scanFlag(pluginFlag, argv)];
  await loadPlugins(
    pluginPaths.filter((path) => path !== ""),
    loading,
  );
  for (const flag of choiceFlags) {
    const wanted = scanFlag(flag, argv).at(-1) ?? env[variableOf(flag) ?? ""] ?? "";
    const name = wanted === "" ? (names[flag.name] ?? "") : wanted;
    if (name !== "") await loadFirstParty(flag.name, name, loading);
    else if (!chosen.includes(flag.name)) await loadInstalled(flag.name, loading);
  }
  const flags = allFlags(own);
  const parsed = parseFlags({ flags, argv, env, unknownFlags: options.unknownFlags ?? "error" });
  if (parsed.help) throw new HelpRequested(helpText({ name, description, usage, flags }));
  const choices = choicesOf(parsed);
  for (const { name: kind } of choiceFlags) {
    const inCode = names[kind];
    if (choices[kind] === undefined && inCode !== undefined) factoryOf(kind, inCode, `the option ${kind}`);
  }
  const given = own.flatMap(({ name }) => parsed.given.get(name) ?? []);
  return {
    choices,
    settings: settingsOf(parsed),
    flags: new Map(given.map(({ flag, value }) => [flag.name, value])),
    args: parsed.args,
  };
}

/** The loader would ask the process, and the environment may be another here. */
function loadOptions({ env, root }: CommandOptions): LoadOptions {
  const timeoutMs = importTimeoutMs(env);
  return root === undefined ? { timeoutMs } : { timeoutMs, root };
}

/**
 * The program's flags, the framework's and those of all plugins. Two plugins may share one, such as the address
 * of the same engine, as long as it is read in the same way.
 * @throws TypeError when the program's own has the name of one of the framework's
 */
function allFlags(own: readonly Flag[]): Flag[] {
  const taken = own.find(({ name }) => frameworkFlags.some((flag) => flag.name === name));
  if (taken !== undefined)
    throw new TypeError(`the flag --${taken.name} is the framework's; name yours differently`);
  const reserved = [...own, ...frameworkFlags];
  const flags = new Map(reserved.map((flag) => [flag.name, flag]));
  for (const { name, from, config } of initialisedPlugins()) {
    for (const flag of config.flags ?? []) {
      const present = flags.get(flag.name);
      if (present !== undefined && (reserved.includes(present) || !isSameFlag(flag, present))) {
        throw new PluginError({
          phase: "register",
          code: "PLUGIN_NAME_TAKEN",
          path: from,
          what: `Invalid plugin ${name}: its flag --${flag.name} is another one's already`,
          cure: `Rename the flag, for example --${name.replaceAll("-", "_")}_${flag.name}`,
        });
      }
      flags.set(flag.name, present ?? flag);
    }
  }
  return [...flags.values()];
}

function isSameFlag(one: Flag, other: Flag): boolean {
  return one.type === other.type && variableOf(one) === variableOf(other);
}

function choicesOf(parsed: Parsed): Command["choices"] {
  const choices: Partial<Record<Kind, unknown>> = {};
  for (const { name: kind } of choiceFlags) {
    const given = parsed.given.get(kind);
    if (given === undefined || isEmpty(given.value)) continue;
    const key = String(given.value);
    choices[kind] = { key, factory: factoryOf(kind, key, given.source.name) };
  }
  return choices as Command["choices"];
}

function settingsOf(parsed: Parsed): Setting[] {
  const settings: Setting[] = [];
  for (const { name, kind, option } of settingFlags) {
    const given = parsed.given.get(name);
    if (given === undefined || isEmpty(given.value)) continue;
    settings.push({ kind, option, value: given.value, source: given.source });
  }
  for (const { type, name: key, config } of initialisedPlugins()) {
    for (const { name, option } of config.flags ?? []) {
      const given = parsed.given.get(name);
      if (given === undefined) continue;
      settings.push({ kind: type, key, option, value: given.value, source: given.source });
    }
  }
  return settings;
}

/** An empty text sets nothing, as in go-micro; on the command line it also keeps the variable from setting it. */
function isEmpty(value: FlagValue): boolean {
  return value === "" || (Array.isArray(value) && value.length === 0) || isEmptyRecord(value);
}

function isEmptyRecord(value: FlagValue): boolean {
  return typeof value === "object" && Object.keys(value).length === 0;
}
