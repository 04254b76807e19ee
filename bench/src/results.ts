import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { InstallSize } from "./install-size.ts";
import type { Machine } from "./machine.ts";
import type { Sample } from "./pair.ts";

/** One run of one case, as it lies in `bench/results`. */
export interface Result {
  readonly case: string;
  readonly title: string;
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** Of each sample. */
  readonly ms: number;
  /** Who couldn't run on that machine, and why. Not in results of old. */
  readonly leftOut?: readonly string[];
  readonly contenders: readonly Measured[];
}

export interface Measured {
  readonly name: string;
  readonly title: string;
  readonly kind: "ours" | "peer" | "limit";
  readonly versions: readonly string[];
  readonly levels: readonly Level[];
  /** What npm puts on the disk, in cases that ask for it. */
  readonly install?: InstallSize;
}

export interface Level {
  readonly inFlight: number;
  /** One per round. */
  readonly samples: readonly Sample[];
}

const folder = new URL("../../results/", import.meta.url);

export function writeResult(result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL(`${result.case.replace("/", "-")}.json`, folder),
    `${JSON.stringify(result, null, 2)}\n`,
  );
}

/** All that were written, in the order of `names`. */
export function readResults(names: readonly string[]): Result[] {
  const found = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Result);
  return names.flatMap((name) => found.filter((result) => result.case === name));
}

/** The medians of a level's samples, and how far its calls per second went. */
export interface Summary extends Required<Sample> {
  readonly lowest: number;
  readonly highest: number;
}

export function summaryOf(samples: readonly Sample[]): Summary {
  const calls = samples.map((sample) => sample.callsPerSecond);
  return {
    callsPerSecond: median(calls),
    callsPerCpuSecond: median(samples.map((sample) => sample.callsPerCpuSecond)),
    p50Ms: median(samples.map((sample) => sample.p50Ms)),
    p99Ms: median(samples.map((sample) => sample.p99Ms)),
    p999Ms: median(samples.map((sample) => sample.p999Ms ?? Number.NaN)),
    rssMiB: median(samples.map((sample) => sample.rssMiB ?? Number.NaN)),
    lowest: Math.min(...calls),
    highest: Math.max(...calls),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
