/**
 * What a built plugin has in place of ts-micro: a module with the host's real names, each a look-up in the
 * program that loads the plugin. A misspelt import is an error of the build.
 */
import { hostKey, hostNames, hostSubpaths } from "./host.ts";

export async function hostShim(subpath: string): Promise<string> {
  const names = await hostNames(subpath);
  const look = (name: string): string => `lookUp(${JSON.stringify(subpath)}, ${JSON.stringify(name)})`;
  // Marked as pure, so that what the plugin doesn't use is left out. Under names that nobody else has: of two
  // `newClient` in one file the plugin's own would be renamed.
  const members = names.map(
    (name) => `const host_${name} = /* @__PURE__ */ ${look(name)}; export { host_${name} as ${name} };`,
  );
  return [`import { lookUp } from ${JSON.stringify(hostLookUpModule)};`, ...members, ""].join("\n");
}

/** The one module behind all shims of a plugin. */
export const hostLookUpModule = "look-up";

export const hostLookUp = `
const host = globalThis[Symbol.for(${JSON.stringify(hostKey)})];

export function lookUp(subpath, name) {
  const module = host?.modules[subpath];
  if (module === undefined) {
    throw new Error("this is a plugin of ts-micro: load it by MICRO_PLUGIN, --plugin or load() of ts-micro/plugin");
  }
  if (!(name in module)) {
    throw new Error(\`the plugin needs \${name} of \${subpath}, which ts-micro \${host.version} doesn't have\`);
  }
  return module[name];
}
`;

/** A sentence for an import of ts-micro that is none of its subpaths. */
export function unknownSubpath(subpath: string): string | undefined {
  if (hostSubpaths.includes(subpath)) return undefined;
  return `ts-micro has no ${JSON.stringify(subpath)}, it has ${hostSubpaths.join(", ")}`;
}
