/**
 * Whether a value really is a plugin's config: `import()` knows no types. Look-alikes are welcome; all
 * problems are told at once.
 */
import type { FlagType } from "../cmd/flags.ts";
import { isKind, kindNames } from "../kinds.ts";
import { didYouMean } from "../shape.ts";
import { apiProblem, offeredApi } from "./api.ts";
import type { PluginConfig } from "./plugin.ts";
import { PluginError, type PluginErrorCode, type PluginPhase, reasonOf } from "./plugin-error.ts";

/** A key of a table. It also becomes part of a package name (`@ts-micro/broker-nats`). */
export const namePattern = /^[a-z][a-z0-9-]*$/;

interface Problem {
  code: PluginErrorCode;
  text: string;
}

/**
 * One config or a list of them.
 * @throws PluginError with every problem of every config
 */
export function checkConfigs(value: unknown, path: string, phase: PluginPhase): readonly PluginConfig[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) {
    throw failure(path, phase, "", [{ code: "PLUGIN_NOT_A_CONFIG", text: "Plugin is an empty list" }]);
  }
  const problems = list.flatMap((each, index) => {
    const where = Array.isArray(value) ? `Plugin[${index}]: ` : "";
    return problemsOf(each).map(({ code, text }) => ({ code, text: where + text }));
  });
  if (problems.length > 0) throw failure(path, phase, shownNames(list), problems);
  const configs = list as readonly PluginConfig[];
  const twice = configs.find((one, index) => configs.findIndex((other) => sameKey(one, other)) < index);
  if (twice === undefined) return configs;
  const text = `two ${twice.type} plugins of the list are called ${twice.name}`;
  throw failure(path, phase, twice.name, [{ code: "PLUGIN_NAME_DUPLICATE", text }]);
}

function sameKey(one: PluginConfig, other: PluginConfig): boolean {
  return one.type === other.type && one.name === other.name;
}

/** A config may have getters, and be written by anybody. */
function problemsOf(value: unknown): Problem[] {
  try {
    return configProblems(value);
  } catch (thrown) {
    return [{ code: "PLUGIN_NOT_A_CONFIG", text: `looking at it threw ${reasonOf(thrown)}` }];
  }
}

function configProblems(value: unknown): Problem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ code: "PLUGIN_NOT_A_CONFIG", text: notAConfig(value) }];
  }
  const config = value as Record<string, unknown>;
  return [
    ...memberProblems(config),
    ...typeProblems(config.type, config.name),
    ...nameProblems(config.name),
    ...newFuncProblems(config.newFunc),
    ...apiProblems(config.type, config.api),
    ...optionalProblems(config),
  ];
}

function notAConfig(value: unknown): string {
  if (typeof value === "function") return "Plugin is a function and must be the config itself";
  if (value === undefined || value === null) return `Plugin is ${String(value)}`;
  return `Plugin is a ${Array.isArray(value) ? "list" : typeof value}`;
}

/** Members that have to be there, with the near miss: go-micro writes `NewFunc`. */
function memberProblems(config: Record<string, unknown>): Problem[] {
  if (typeof config.then === "function") {
    return [{ code: "PLUGIN_NOT_A_CONFIG", text: "Plugin is a promise: await it in the module" }];
  }
  const missing = ["name", "type", "newFunc"].filter((key) => config[key] === undefined);
  const problems: Problem[] = missing.map((key) => ({
    code: "PLUGIN_NOT_A_CONFIG",
    text: `${key} is missing${nearMiss(config, key)}`,
  }));
  for (const key of ["override", "wire", "flags"]) {
    const near = config[key] === undefined ? nearMiss(config, key) : "";
    if (near !== "") problems.push({ code: "PLUGIN_NOT_A_CONFIG", text: `misspelt member${near}` });
  }
  return problems;
}

function nearMiss(config: Record<string, unknown>, wanted: string): string {
  const others = Object.keys(config).filter((key) => !knownMembers.includes(key));
  const near = didYouMean(wanted, others);
  return near === undefined ? "" : ` (found "${near}", expected "${wanted}")`;
}

const knownMembers = ["name", "type", "path", "newFunc", "api", "override", "wire", "flags"];

function typeProblems(type: unknown, name: unknown): Problem[] {
  if (type === undefined || (typeof type === "string" && isKind(type))) return [];
  const near = typeof type === "string" ? didYouMean(type, kindNames) : undefined;
  const hint = near === undefined ? `known are ${kindNames.join(", ")}` : `did you mean ${near}?`;
  const shown = typeof type === "string" ? type : typeof type;
  return [
    { code: "PLUGIN_TYPE_UNKNOWN", text: `Unknown plugin type: ${shown} for ${String(name)} (${hint})` },
  ];
}

function nameProblems(name: unknown): Problem[] {
  if (name === undefined || (typeof name === "string" && namePattern.test(name))) return [];
  const shown = typeof name === "string" ? JSON.stringify(name) : `a ${typeof name}`;
  const text = `name is ${shown} and must be a lower-case word such as nats or my-nats`;
  return [{ code: "PLUGIN_NAME_INVALID", text }];
}

function newFuncProblems(newFunc: unknown): Problem[] {
  if (newFunc === undefined) return [];
  const text = newFuncProblem(newFunc);
  return text === undefined ? [] : [{ code: "PLUGIN_NEW_FUNC_INVALID", text }];
}

function newFuncProblem(newFunc: unknown): string | undefined {
  if (typeof newFunc === "string") {
    return `newFunc is the text ${JSON.stringify(newFunc)}, a form that only build and generate take; give the function itself`;
  }
  if (typeof newFunc !== "function") return `newFunc is ${newFunc === null ? "null" : `a ${typeof newFunc}`}`;
  const source = Function.prototype.toString.call(newFunc);
  if (/^class\b/.test(source)) {
    const name = newFunc.name === "" ? "TheClass" : newFunc.name;
    return `newFunc is a class; give a function: (options) => new ${name}(options)`;
  }
  switch (Object.prototype.toString.call(newFunc)) {
    case "[object AsyncFunction]":
      return "newFunc is an async function; make it synchronous and open connections in connect, listen or start";
    case "[object GeneratorFunction]":
    case "[object AsyncGeneratorFunction]":
      return "newFunc is a generator function; give a plain function";
  }
  return undefined;
}

function apiProblems(type: unknown, api: unknown): Problem[] {
  if (api === undefined) return [];
  const list: readonly unknown[] = Array.isArray(api) ? api : [api];
  if (list.length === 0 || !list.every(isVersion)) {
    return [
      { code: "PLUGIN_API_UNSUPPORTED", text: "api must be a version number such as 1, or a list of them" },
    ];
  }
  if (typeof type !== "string" || !isKind(type)) return [];
  const text = apiProblem(type, offeredApi(list));
  return text === undefined ? [] : [{ code: "PLUGIN_API_UNSUPPORTED", text }];
}

function isVersion(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1;
}

function optionalProblems(config: Record<string, unknown>): Problem[] {
  const problems: string[] = [];
  if (config.path !== undefined && typeof config.path !== "string") problems.push("path must be a string");
  if (config.override !== undefined && typeof config.override !== "boolean") {
    problems.push("override must be true or false");
  }
  if (config.wire !== undefined) problems.push(...wireProblems(config.wire, config.type));
  if (config.flags !== undefined) problems.push(...flagProblems(config.flags));
  return problems.map((text) => ({ code: "PLUGIN_NOT_A_CONFIG", text }));
}

/** What a wire needs beside its name and protocol, by kind. */
const wireMethods: Readonly<Record<string, string>> = { client: "open", server: "share" };

function wireProblems(wire: unknown, type: unknown): string[] {
  const method = wireMethods[String(type)];
  if (method === undefined) return ["wire is for clients and servers only"];
  if (typeof wire !== "object" || wire === null) return ["wire must be an object"];
  const { name, protocol, [method]: run } = wire as Record<string, unknown>;
  return [
    ...(typeof name === "string" && name !== "" ? [] : ["wire.name must be a string"]),
    ...(typeof protocol === "string" && /^[^,\s]+$/.test(protocol)
      ? []
      : ["wire.protocol must be a word without a comma"]),
    ...(typeof run === "function" ? [] : [`wire.${method} must be a method`]),
  ];
}

const flagTypes = Object.keys({
  string: true,
  int: true,
  duration: true,
  seconds: true,
  list: true,
  pairs: true,
  bool: true,
} satisfies Record<FlagType, true>);

function flagProblems(flags: unknown): string[] {
  if (!Array.isArray(flags)) return ["flags must be a list"];
  return flags.flatMap((flag: unknown, index) => {
    if (typeof flag !== "object" || flag === null) return [`flags[${index}] must be an object`];
    const { name, type, usage, option, env } = flag as Record<string, unknown>;
    return [
      ...(typeof name === "string" && /^[a-z][a-z0-9_]*$/.test(name)
        ? []
        : [`flags[${index}].name must be lower-case letters, digits and underscores`]),
      ...(typeof type === "string" && flagTypes.includes(type)
        ? []
        : [`flags[${index}].type must be one of ${flagTypes.join(", ")}`]),
      ...(typeof usage === "string" ? [] : [`flags[${index}].usage must be a string`]),
      ...(typeof option === "string" && option !== "" ? [] : [`flags[${index}].option must be a string`]),
      ...(env === undefined || typeof env === "string" ? [] : [`flags[${index}].env must be a string`]),
    ];
  });
}

/** go-micro's three texts are the first words, so that whoever searches for them finds us. */
function failure(path: string, phase: PluginPhase, name: string, problems: readonly Problem[]): PluginError {
  const { code, text } = problems[0]!;
  const texts = problems.map((problem) => problem.text);
  const startsWithType = code === "PLUGIN_TYPE_UNKNOWN" && text.startsWith("Unknown");
  const what = startsWithType
    ? texts.shift()!
    : code === "PLUGIN_NOT_A_CONFIG"
      ? "could not cast Plugin object"
      : `Invalid plugin ${name}`;
  return new PluginError({ phase, code, path, what, problems: texts, cure: cures[code] ?? "" });
}

const cures: { [Code in PluginErrorCode]?: string } = {
  PLUGIN_NOT_A_CONFIG: "Export Plugin = { name, type, path, newFunc }, or a list of such configs.",
  PLUGIN_TYPE_UNKNOWN: "Set type to the kind that newFunc makes.",
  PLUGIN_NAME_INVALID: "The name is the word after a flag such as --broker=.",
  PLUGIN_NEW_FUNC_INVALID: "newFunc is a plain function from options to the implementation.",
  PLUGIN_API_UNSUPPORTED: "Take the release of the plugin that fits, or update ts-micro.",
  PLUGIN_NAME_DUPLICATE: "Give each its own name.",
};

function shownNames(list: readonly unknown[]): string {
  return list.map(shownName).join(", ");
}

function shownName(value: unknown): string {
  try {
    const { name } = value as { name?: unknown };
    return typeof name === "string" && name !== "" ? name : '""';
  } catch {
    return '""';
  }
}
