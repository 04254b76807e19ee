/**
 * The module that makes a plugin of a factory: what go-micro's `plugin/template.go` is for Go.
 */
import { isKind, kindNames } from "../kinds.ts";
import { didYouMean } from "../shape.ts";
import { namePattern } from "./check.ts";
import type { PluginSource } from "./plugin.ts";
import { PluginError } from "./plugin-error.ts";

/**
 * The text of the module.
 *
 * `specifier` is what it imports. The source's own `Plugin` is the base when it has one, and the fields of
 * `source` override it; `path` is said only where that has none.
 */
export function pluginModule(source: PluginSource, specifier: string, path: string): string {
  const { name, type, newFunc } = source;
  const from = JSON.stringify(specifier);
  const fields = [
    ...(name === undefined ? [] : [`name: ${JSON.stringify(name)},`]),
    ...(type === undefined ? [] : [`type: ${JSON.stringify(type)},`]),
  ];
  if (newFunc !== undefined) {
    return lines(
      `import * as source from ${from};`,
      `import { ${newFunc} as newFunc } from ${from};`,
      "",
      "export const Plugin = {",
      `  path: ${JSON.stringify(path)},`,
      "  ...source.Plugin,",
      ...fields.map((field) => `  ${field}`),
      "  newFunc,",
      "};",
    );
  }
  const own = "source.Plugin ?? source.default";
  return lines(
    `import * as source from ${from};`,
    "",
    ...(fields.length === 0
      ? [`export const Plugin = ${own};`]
      : ["export const Plugin = {", `  ...(${own}),`, ...fields.map((field) => `  ${field}`), "};"]),
  );
}

/**
 * Checks what will stand in the module's text.
 * @throws PluginError phase `build` with every problem
 */
export function checkSource(source: PluginSource): void {
  const { path, name, type, newFunc } = source;
  const problems: string[] = [];
  if (typeof path !== "string" || path.trim() === "")
    problems.push("path must name a package or a source file");
  if (type !== undefined && !isKind(String(type))) {
    const near = didYouMean(String(type), kindNames);
    const hint = near === undefined ? `known are ${kindNames.join(", ")}` : `did you mean ${near}?`;
    problems.push(`Unknown plugin type: ${type} for ${name} (${hint})`);
  }
  if (name !== undefined && !namePattern.test(String(name))) {
    problems.push(`name is ${JSON.stringify(name)} and must be a lower-case word such as nats or my-nats`);
  }
  if (newFunc !== undefined && !isIdentifier(newFunc)) {
    problems.push(
      `newFunc is ${JSON.stringify(newFunc) ?? typeof newFunc} and must be the name of an export`,
    );
  }
  if (problems.length === 0) return;
  throw new PluginError({
    phase: "build",
    code: "PLUGIN_SOURCE_INVALID",
    path: String(path),
    what: `Invalid plugin ${name ?? path}`,
    problems,
    cure: 'Give { path: "ts-micro/client", type: "client", name: "mine", newFunc: "newClient" }.',
  });
}

/** The name after `import {` may be any identifier, reserved words included. */
function isIdentifier(value: unknown): boolean {
  return typeof value === "string" && /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(value);
}

function lines(...all: string[]): string {
  return `${all.join("\n")}\n`;
}
