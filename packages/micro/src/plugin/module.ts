/**
 * An opened plugin file, as Go's `*plugin.Plugin`.
 */
import { didYouMean } from "../shape.ts";
import type { Manifest } from "./manifest.ts";
import { PluginError, reasonOf } from "./plugin-error.ts";

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
  // Only names: in CommonJS, reading an export may load something big, or throw.
  const holders = exportHolders(namespace);
  const symbols = [...holders.keys()].sort();
  return {
    path,
    sha256,
    manifest,
    symbols,
    lookup(symbol) {
      const holder = holders.get(symbol);
      if (holder === undefined) throw symbolMissing(symbol, named, whatThereIs(symbol, symbols));
      try {
        return holder[symbol];
      } catch (cause) {
        throw symbolMissing(symbol, named, `reading it threw ${reasonOf(cause)}`, cause);
      }
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

/**
 * Exported name → the object whose member it is; the outermost wins. A CommonJS module arrives as the `default` of
 * its namespace, and one that was compiled from ESM has a `default` of its own inside that. The name `default` is
 * there when the innermost one is no such container.
 */
function exportHolders(namespace: Namespace): Map<string, Namespace> {
  const holders = new Map<string, Namespace>();
  const seen: unknown[] = [];
  for (let at = namespace; ; ) {
    seen.push(at);
    for (const name of Object.keys(at)) {
      if (!interop.includes(name) && !holders.has(name)) holders.set(name, at);
    }
    const inner = at.default;
    if (seen.includes(inner)) return holders;
    if (!isContainer(inner)) return inner === undefined ? holders : holders.set("default", at);
    at = inner;
  }
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

/** `module.exports` is what Node 23 and newer call it too. */
const interop = ["default", "module.exports", "__esModule"];

function whatThereIs(symbol: string, symbols: readonly string[]): string {
  const near = didYouMean(symbol, symbols);
  if (near !== undefined) return `found "${near}", expected "${symbol}"`;
  return symbols.length === 0 ? "it exports nothing" : `it exports ${symbols.join(", ")}`;
}

function symbolMissing(symbol: string, named: string, problem: string, cause?: unknown): PluginError {
  return new PluginError({
    phase: "lookup",
    code: "PLUGIN_SYMBOL_MISSING",
    path: named,
    what: `plugin: symbol ${symbol} not found in plugin ${named}`,
    problems: [problem],
    cure: `Add: export const ${symbol} = { name, type, path, newFunc }.`,
    cause,
  });
}
