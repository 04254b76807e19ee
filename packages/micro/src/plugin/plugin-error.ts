import { inspect } from "node:util";
import { oneLine } from "../one-line.ts";

/**
 * What went wrong with a plugin: in which phase of its life, with which file, everything that is wrong at
 * once, and what to do next.
 */

/** A plugin's life, in order; `build` is not part of it but has the same kind of error. */
export const pluginPhases = [
  "resolve",
  "read",
  "manifest",
  "policy",
  "import",
  "lookup",
  "check",
  "register",
  "construct",
  "build",
] as const;

export type PluginPhase = (typeof pluginPhases)[number];

/** The meaning of each is in docs/errors.md, which a test holds to this list. */
export const pluginErrorCodes = [
  "PLUGIN_PATH_INVALID",
  "PLUGIN_NOT_FOUND",
  "PLUGIN_PACKAGE_NOT_FOUND",
  "PLUGIN_NO_ENTRY",
  "PLUGIN_UNREADABLE",
  "PLUGIN_NOT_JAVASCRIPT",
  "PLUGIN_EMPTY",
  "PLUGIN_MANIFEST_INVALID",
  "PLUGIN_HOST_MODULE_MISSING",
  "PLUGIN_API_UNSUPPORTED",
  "PLUGIN_SYNTAX",
  "PLUGIN_IMPORT_FAILED",
  "PLUGIN_IMPORT_TIMEOUT",
  "PLUGIN_DEPENDENCY_MISSING",
  "PLUGIN_DEPENDENCY_FAILED",
  "PLUGIN_TYPESCRIPT_UNSUPPORTED",
  "PLUGIN_SYMBOL_MISSING",
  "PLUGIN_SEVERAL",
  "PLUGIN_NOT_A_CONFIG",
  "PLUGIN_TYPE_UNKNOWN",
  "PLUGIN_NEW_FUNC_INVALID",
  "PLUGIN_NAME_INVALID",
  "PLUGIN_NAME_DUPLICATE",
  "PLUGIN_NAME_TAKEN",
  "PLUGIN_NAME_UNKNOWN",
  "PLUGIN_FACTORY_THREW",
  "PLUGIN_FACTORY_ASYNC",
  "PLUGIN_PART_INCOMPLETE",
  "PLUGIN_SOURCE_INVALID",
  "PLUGIN_BUILD_TOOL_MISSING",
  "PLUGIN_BUILD_FAILED",
  "PLUGIN_NATIVE_ADDON",
  "PLUGIN_WRITE_FAILED",
] as const;

export type PluginErrorCode = (typeof pluginErrorCodes)[number];

export interface PluginErrorFields {
  phase: PluginPhase;
  code: PluginErrorCode;
  /** The plugin as it was named by whoever asked for it. */
  path: string;
  /** The first words: what is wrong. go-micro's own text where it has one. */
  what: string;
  /** Everything that this phase found. */
  problems?: readonly string[];
  /** What to do next, as a sentence. Empty when `problems` say it. */
  cure: string;
  cause?: unknown;
}

const brand = Symbol.for("ts-micro.PluginError.v1");

/** `message` is one line for people: what is wrong, the problems, the cure, and where it happened. */
export class PluginError extends Error {
  override readonly name = "PluginError";
  readonly phase: PluginPhase;
  readonly code: PluginErrorCode;
  readonly path: string;
  readonly what: string;
  readonly problems: readonly string[];
  readonly cure: string;

  constructor(fields: PluginErrorFields) {
    const { phase, code, path, what, problems = [], cure, cause } = fields;
    super(describe(what, problems, cure, path, phase, code), cause === undefined ? undefined : { cause });
    this.phase = phase;
    this.code = code;
    this.path = path;
    this.what = what;
    this.problems = problems;
    this.cure = cure;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a PluginError of any copy of this package. */
  static is(value: unknown): value is PluginError {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** What a thrown value says, on one line. Never throws. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return oneLine(typeof thrown === "string" ? thrown : inspect(thrown));
  const text = oneLine(String(thrown.message));
  return thrown.name === "Error" || thrown.name === "" ? text : `${thrown.name}: ${text}`;
}

function describe(
  what: string,
  problems: readonly string[],
  cure: string,
  path: string,
  phase: PluginPhase,
  code: PluginErrorCode,
): string {
  const list = problems.length === 0 ? "" : `: ${problems.join("; ")}`;
  const next = cure === "" ? "" : ` ${cure}`;
  return oneLine(`${what}${list}.${next} (plugin ${path}, phase ${phase}, ${code})`);
}
