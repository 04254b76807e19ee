/**
 * Line 1 of a built plugin: what it is, as a comment, so that looking at it never runs code.
 */
import { isKind } from "../kinds.ts";
import { apiProblem } from "./api.ts";
import { hostSubpaths, hostVersion } from "./host.ts";
import type { PluginConfig } from "./plugin.ts";
import { PluginError, type PluginErrorCode } from "./plugin-error.ts";

/** Holds no absolute path and no time: the same input gives the same bytes anywhere. */
export interface Manifest {
  /** Form of the manifest itself. */
  schema: 1;
  plugins: readonly ManifestPlugin[];
  /** Subpaths of ts-micro that the file takes from its host: `ts-micro/client`. */
  host: readonly string[];
  /** The source's package and its version, when it has one. */
  package?: string;
  version?: string;
  /** For people. Loading never compares versions of packages. */
  builtWith: Readonly<Record<string, string>>;
}

export interface ManifestPlugin {
  name: string;
  type: string;
  /** Versions of the kind's interface. */
  api: readonly number[];
}

const prefix = "/*! ts-micro-plugin ";
const suffix = " */";

/** The line, without its line feed. */
export function manifestLine(manifest: Manifest): string {
  // A star and a slash would end the comment; in JSON texts a slash may be escaped.
  return prefix + JSON.stringify(manifest).replaceAll("*/", "*\\/") + suffix;
}

/**
 * Reads line 1. A module without a manifest (written by hand) gives `undefined`.
 * @throws PluginError phase `manifest` when the line is damaged or of a newer form
 */
export function readManifest(text: string, path: string): Manifest | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const line = text.slice(0, lineEnd(text));
  const damaged = (what: string): PluginError =>
    failure(path, "PLUGIN_MANIFEST_INVALID", `line 1, the manifest, ${what}`, "Build the plugin again.");
  if (!line.endsWith(suffix)) throw damaged("is not closed");
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.slice(prefix.length, -suffix.length));
  } catch {
    throw damaged("is not JSON");
  }
  if (isRecord(parsed) && typeof parsed.schema === "number" && parsed.schema > 1) {
    throw failure(
      path,
      "PLUGIN_MANIFEST_INVALID",
      `line 1, the manifest, has form ${parsed.schema}, and ts-micro ${hostVersion()} reads form 1`,
      "Update ts-micro, or build the plugin with this version.",
    );
  }
  if (!isManifest(parsed)) throw damaged("lacks what a manifest must have");
  return parsed;
}

/**
 * Whether this host can run the plugin, before a line of it runs.
 * @throws PluginError phase `manifest`
 */
export function checkManifest(manifest: Manifest, path: string): void {
  const problems = manifest.plugins.flatMap(({ type, api }) =>
    isKind(type) ? (apiProblem(type, api) ?? []) : [],
  );
  if (problems.length > 0) {
    throw failure(
      path,
      "PLUGIN_API_UNSUPPORTED",
      `Invalid plugin ${manifest.plugins.map(({ name }) => name).join(", ")}`,
      "Take the release of the plugin that fits, or update ts-micro.",
      problems,
    );
  }
  const missing = manifest.host.filter((subpath) => !hostSubpaths.includes(subpath));
  if (missing.length > 0) {
    throw failure(
      path,
      "PLUGIN_HOST_MODULE_MISSING",
      `the plugin needs ${missing.join(", ")}, which ts-micro ${hostVersion()} doesn't have`,
      "Update ts-micro, or build the plugin with this version.",
    );
  }
}

/**
 * Whether the module holds the plugins that its manifest tells of: what was seen without running it must be true.
 * @throws PluginError phase `check`
 */
export function checkPlugins(manifest: Manifest, configs: readonly PluginConfig[], path: string): void {
  const said = listed(manifest.plugins);
  const found = listed(configs);
  if (said === found) return;
  throw new PluginError({
    phase: "check",
    code: "PLUGIN_MANIFEST_INVALID",
    path,
    what: `line 1, the manifest, tells of ${said || "no plugin"}, the module exports ${found}`,
    cure: "Build the plugin again; the file was changed.",
  });
}

function listed(plugins: readonly { type: string; name: string }[]): string {
  return plugins
    .map(({ type, name }) => `${type} ${name}`)
    .sort()
    .join(", ");
}

function lineEnd(text: string): number {
  const end = text.search(/\r?\n/);
  return end === -1 ? text.length : end;
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    value.schema === 1 &&
    Array.isArray(value.plugins) &&
    value.plugins.every(isManifestPlugin) &&
    isListOf("string", value.host) &&
    isRecord(value.builtWith)
  );
}

function isManifestPlugin(value: unknown): value is ManifestPlugin {
  return (
    isRecord(value) &&
    typeof value.name === "string" &&
    typeof value.type === "string" &&
    isListOf("number", value.api)
  );
}

function isListOf(type: "string" | "number", value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === type);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function failure(
  path: string,
  code: PluginErrorCode,
  what: string,
  cure: string,
  problems?: readonly string[],
): PluginError {
  return new PluginError({ phase: "manifest", code, path, what, cure, ...(problems && { problems }) });
}
