import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { folderOf } from "./install-size.ts";

export interface Machine {
  readonly node: string;
  readonly cpus: string;
  readonly memory: string;
  readonly system: string;
  /** Of the last minute, before the run: what else the machine was doing. */
  readonly loadBefore: number;
}

/** @param node the version of Node that is measured */
export function thisMachine(node: string): Machine {
  const processors = cpus();
  return {
    node,
    cpus: `${processors.length} × ${processors[0]?.model ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  };
}

/**
 * `moleculer 0.14.36`, as it is installed.
 * @param from the folder that imports it
 */
export function versionOf(name: string, from: string): string {
  const folder = folderOf(name, from);
  if (folder === undefined) throw new Error(`${name} is not installed; run npm ci`);
  return `${name} ${JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version}`;
}
