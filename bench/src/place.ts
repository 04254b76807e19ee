import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { versionOf } from "./machine.ts";

/** Which Node runs the processes of a case, and whose packages they find. */
export interface Place {
  /** Where Node is. */
  readonly node: string;
  /** `v22.23.3` */
  readonly version: string;
  /** The bench's compiled files lie in `dist/src` below, the packages that they import in `node_modules`, here or above. */
  readonly folder: string;
}

const bench = fileURLToPath(new URL("../../", import.meta.url));

export const here: Place = { node: process.execPath, version: process.version, folder: bench };

const folder = join(bench, "node-22");
const isNode22 = process.version.startsWith("v22.");
const packaged = `node-${process.platform}-${process.arch}`;

/** Why there is no `node22`, and what mends it. */
export function node22Missing(): string | undefined {
  const needed = isNode22 ? "moleculer" : packaged;
  if (existsSync(join(folder, "node_modules", needed))) return undefined;
  return "Node 22 and the peers that want it are not there, install them: npm ci --prefix bench/node-22 (where that has no Node 22, run the bench with one)";
}

/** Node 22 with the peers of `node-22/package.json`; the bench is copied beside them, so that they are what it imports. */
export function node22(): Place {
  cpSync(join(bench, "dist/src"), join(folder, "dist/src"), { recursive: true });
  if (isNode22) return { ...here, folder };
  const node = join(folder, "node_modules", packaged, "bin/node");
  return { node, version: versionOf(packaged, folder).replace(`${packaged} `, "v"), folder };
}
