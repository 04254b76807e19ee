import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";

export interface Machine {
  readonly node: string;
  readonly cpus: string;
  readonly memory: string;
  readonly system: string;
  /** Of the last minute, before the run: what else the machine was doing. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  const processors = cpus();
  return {
    node: process.version,
    cpus: `${processors.length} × ${processors[0]?.model ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  };
}

/** `moleculer 0.14.36`, as it is installed. */
export function versionOf(name: string): string {
  const places = ["../../node_modules/", "../../../node_modules/"].map(
    (folder) => new URL(`${folder}${name}/package.json`, import.meta.url),
  );
  const manifest = places.find((place) => existsSync(place));
  if (manifest === undefined) throw new Error(`${name} is not installed; run npm ci`);
  return `${name} ${JSON.parse(readFileSync(manifest, "utf8")).version}`;
}
