/**
 * An opened plugin file, as Go's `*plugin.Plugin`.
 */
import { didYouMean } from "../shape.ts";
import type { Manifest } from "./manifest.ts";
import { PluginError } from "./plugin-error.ts";

export interface Module {
  /** The file, links resolved. There is one `Module` per real path and process. */
  readonly path: string;
  /** SHA-256 of the file as it was when it was opened, in hexadecimal. */
  readonly sha256: string;
  /** Only built plugins have one. */
  readonly manifest: Manifest | undefined;
  /** What the module exports, sorted; for CommonJS the members of `module.exports`. */
  readonly symbols: readonly string[];
  /**
   * Gives an exported value, as Go's `Lookup`.
   * @throws PluginError phase `lookup` that names what is exported instead
   */
  lookup(symbol: string): unknown;
}

export type Namespace = Readonly<Record<string, unknown>>;

export interface ModuleFields {
  /** As it was named by whoever opened it. */
  named: string;
  path: string;
  sha256: string;
  manifest: Manifest | undefined;
  namespace: Namespace;
}

export function newModule(fields: ModuleFields): Module {
  const { named, path, sha256, manifest, namespace } = fields;
  const { containers, defaultValue } = unwrap(namespace);
  const exported = new Map<string, unknown>(containers.flatMap(members).reverse());
  if (defaultValue !== undefined) exported.set("default", defaultValue);
  const symbols = [...exported.keys()].sort();
  return {
    path,
    sha256,
    manifest,
    symbols,
    lookup(symbol) {
      if (exported.has(symbol)) return exported.get(symbol);
      throw symbolMissing(symbol, named, symbols);
    },
  };
}

/**
 * The value of `Plugin`, or of a default export that looks like a config.
 * @throws PluginError phase `lookup`
 */
export function lookupPlugin(module: Module): unknown {
  if (!module.symbols.includes("Plugin") && module.symbols.includes("default")) {
    const value = module.lookup("default");
    if (looksLikeConfig(value)) return value;
  }
  return module.lookup("Plugin");
}

interface Unwrapped {
  /** Objects whose members count as exports; the outermost wins. */
  containers: readonly Namespace[];
  /** What the author exported as the default, if it is no container. */
  defaultValue: unknown;
}

/**
 * A CommonJS module arrives as the `default` of its namespace, and from Node 23 on as `module.exports` too;
 * one that was compiled from ESM has a `default` of its own inside that.
 */
function unwrap(namespace: Namespace): Unwrapped {
  const containers = [namespace];
  let value = namespace.default ?? namespace["module.exports"];
  while (isContainer(value) && !containers.includes(value)) {
    containers.push(value);
    value = value.default;
  }
  return { containers, defaultValue: value };
}

function isContainer(value: unknown): value is Namespace {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return !looksLikeConfig(value) && Object.keys(value).length > 0;
}

function looksLikeConfig(value: unknown): boolean {
  if (Array.isArray(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  return ["name", "type", "newFunc"].filter((key) => Object.hasOwn(value, key)).length >= 2;
}

const interop = ["default", "module.exports", "__esModule"];

function members(container: Namespace): [string, unknown][] {
  return Object.keys(container)
    .filter((name) => !interop.includes(name))
    .map((name) => [name, container[name]]);
}

function symbolMissing(symbol: string, named: string, symbols: readonly string[]): PluginError {
  const near = didYouMean(symbol, symbols);
  const found =
    symbols.length === 0
      ? "it exports nothing"
      : near === undefined
        ? `it exports ${symbols.join(", ")}`
        : `found "${near}", expected "${symbol}"`;
  return new PluginError({
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    path: named,
    what: `plugin: symbol ${symbol} not found in plugin ${named}`,
    problems: [found],
    cure: `Add: export const ${symbol} = { name, type, path, newFunc }.`,
  });
}
