import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Sample } from "./pair.ts";
import type { Load, Usage } from "./process.ts";

const ownProgram = fileURLToPath(new URL("start-process.js", import.meta.url));

/** Starts a process anew for each sample, until it has imported a framework, initialised a service, or had a first answer from its own server. */
export class Starts {
  readonly #contender: string;
  readonly #program: string;
  readonly #plugins: readonly string[];

  /**
   * @param program `start-process.js` where the framework is installed. @default the bench's own
   * @param plugins files, for `MICRO_PLUGIN`
   */
  constructor(contender: string, program = ownProgram, plugins: readonly string[] = []) {
    this.#contender = contender;
    this.#program = program;
    this.#plugins = plugins;
  }

  /** Brings the files into the system's memory. */
  async warmUp(load: Load): Promise<void> {
    await this.run({ ...load, ms: 1 });
  }

  async run({ kind, ms }: Load): Promise<Sample> {
    const times: number[] = [];
    let cpuMs = 0;
    let rssMiB = 0;
    const start = performance.now();
    for (let begun = start; begun - start < ms; begun = performance.now()) {
      const usage = await this.#start(kind);
      times.push(performance.now() - begun);
      cpuMs += usage.cpuMs;
      rssMiB = Math.max(rssMiB, usage.rssMiB);
    }
    const total = times.reduce((sum, time) => sum + time, 0);
    const sorted = times.toSorted((a, b) => a - b);
    const longest = sorted.at(-1) ?? Number.NaN;
    return {
      callsPerSecond: (times.length / total) * 1_000,
      callsPerCpuSecond: (times.length / cpuMs) * 1_000,
      p50Ms: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      p99Ms: longest,
      p999Ms: longest,
      rssMiB,
    };
  }

  async end(): Promise<void> {}

  async #start(kind: string): Promise<Usage> {
    const child = fork(this.#program, [kind, this.#contender], {
      env: { ...process.env, NODE_ENV: "production", MICRO_PLUGIN: this.#plugins.join(",") },
    });
    const exit = once(child, "exit");
    const report = await Promise.race([once(child, "message"), exit]);
    if (typeof report[0] !== "object")
      throw new Error(`${this.#contender} ended with ${report[0]} while it started`);
    child.kill("SIGKILL");
    await exit;
    return report[0] as Usage;
  }
}
