import { basename, resolve } from "node:path";
import { UsageError } from "ts-micro";
import type { Flag, FlagValue } from "ts-micro/cmd";
import type { PluginSource } from "ts-micro/plugin";

/** What `build` and `generate` have to be told, as far as the source doesn't export `Plugin` itself. */
export const sourceFlags: readonly Flag[] = [
  { name: "type", type: "string", usage: "Kind of the part, such as client", env: "" },
  { name: "name", type: "string", usage: "Key in the table, the word after --client=", env: "" },
  { name: "new-func", type: "string", usage: "Name of the exported factory, such as newClient", env: "" },
  {
    name: "o",
    type: "string",
    usage: "File to write, such as dir/xrpc.mjs. Default: <name>.mjs here",
    env: "",
  },
];

export interface Work {
  readonly source: PluginSource;
  /** The file to write. */
  readonly target: string;
}

/** @throws UsageError when the file to write would be the source. */
export function workOf(path: string, flags: ReadonlyMap<string, FlagValue>): Work {
  const [type, name, newFunc, output] = ["type", "name", "new-func", "o"].map((flag) =>
    flags.get(flag)?.toString(),
  );
  const target = output ?? `${name ?? basename(path).replace(/\.[mc]?[jt]s$/, "")}.mjs`;
  if (resolve(target) === resolve(path)) {
    throw new UsageError(`${target} is the source itself; name another file with -o`);
  }
  const source = {
    path,
    ...(type !== undefined && { type }),
    ...(name !== undefined && { name }),
    ...(newFunc !== undefined && { newFunc }),
  };
  return { source, target };
}
