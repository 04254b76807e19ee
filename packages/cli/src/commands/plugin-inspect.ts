import type { Factory, Kind } from "ts-micro";
import { construct, type Inspection, inspect, loadAll, type PluginConfig } from "ts-micro/plugin";
import { type Command, jsonFlag } from "../command.ts";
import { printJson, printLine } from "../print.ts";

/** A config of the plugin, and the part that its factory gave. */
interface Tried {
  type: string;
  name: string;
  path: string | null;
  newFunc: string;
  /** What the part calls itself. */
  part: string;
}

export const pluginInspect: Command = {
  name: "plugin inspect",
  args: ["plugin"],
  summary: "Show what a plugin's file says; with --run also what its factories give",
  flags: [
    { name: "run", type: "bool", usage: "Import the plugin and call its factories. Runs its code", env: "" },
    jsonFlag,
  ],
  async run({ args: [path = ""], flags }) {
    const root = process.cwd();
    const inspection = await inspect(path, { root });
    const tried = flags.has("run")
      ? await Promise.all((await loadAll(path, { root })).map(tryOut))
      : undefined;
    if (flags.has("json")) printJson({ ...inspection, ...(tried && { configs: tried }) });
    else printRows([...rowsOf(inspection), ...(tried ?? []).map(rowOf)]);
  },
};

async function tryOut({ type, name, path, newFunc }: PluginConfig): Promise<Tried> {
  await using part = construct(type, name, newFunc as Factory<Kind>, {});
  return { type, name, path: path ?? null, newFunc: newFunc.name, part: part.name };
}

type Row = readonly [title: string, text: string];

function rowsOf({ path, bytes, sha256, form, manifest }: Inspection): Row[] {
  const rows: Row[] = [
    ["file", path],
    ["bytes", String(bytes)],
    ["sha256", sha256],
    ["form", manifest === undefined ? `${form}, written by hand: no manifest` : form],
  ];
  if (manifest === undefined) return rows;
  const { plugins, host, builtWith } = manifest;
  const version = [manifest.package, manifest.version].filter((text) => text !== undefined).join(" ");
  return [
    ...rows,
    ...plugins.map(
      ({ type, name, api }): Row => ["plugin", `${type} ${name}, interface version ${api.join(", ")}`],
    ),
    ["package", version || "none"],
    ["host", host.join(", ") || "nothing"],
    [
      "built with",
      Object.entries(builtWith)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
  ];
}

function rowOf({ type, name, path, newFunc, part }: Tried): Row {
  return [
    "gives",
    `${type} ${name} by ${newFunc || "a function without a name"} of ${path ?? "?"}; it calls itself ${part}`,
  ];
}

function printRows(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, text] of rows) printLine(`${title.padEnd(width)}  ${text}`);
}
