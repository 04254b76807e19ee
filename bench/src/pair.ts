import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { here, type Place } from "./place.ts";
import type { Load, LoadReport, Order, Usage } from "./process.ts";
import { startClient, startServer } from "./side.ts";

/** How long a process may take to end after it was asked to, in milliseconds. */
const endMs = 5_000;

/** How long published messages may take to arrive when no more are sent, in milliseconds. */
const arriveMs = 10_000;

/** After so many calls the code that makes them is compiled. */
const warmCalls = 15_000;

export interface Sample {
  readonly callsPerSecond: number;
  /** Of client and server together, and of the nats-server between them: what stays stable on a shared machine. */
  readonly callsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Not in results of old. */
  readonly p999Ms?: number;
  /** Resident memory of client and server together, after the load. Not in results of old. */
  readonly rssMiB?: number;
}

/** What stands between client and server and works for nobody else meanwhile. */
export interface Between {
  cpuMs(): number;
}

/** A contender's server and client, each a process of its own. */
export class Pair {
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;
  readonly #between: Between;

  private constructor(server: ChildProcess, client: ChildProcess, between: Between) {
    this.#server = server;
    this.#client = client;
    this.#between = between;
  }

  static async start(
    contender: string,
    { between = { cpuMs: () => 0 }, place = here }: { between?: Between | undefined; place?: Place } = {},
  ): Promise<Pair> {
    const server = startServer(contender, place);
    const client = startClient(contender, await reportOf<string>(server), place);
    await reportOf(client);
    return new Pair(server, client, between);
  }

  /**
   * Load that counts for nothing. Compilers want many calls, so a contender that is slow gets up to three times as long.
   */
  async warmUp(load: Load): Promise<void> {
    let calls = 0;
    for (let part = 0; part < 3 && calls < warmCalls; part++) {
      this.#client.send(load);
      calls += (await reportOf<LoadReport>(this.#client)).calls;
    }
  }

  async run(load: Load): Promise<Sample> {
    const before = await this.#serverUsage();
    const cpuBefore = this.#between.cpuMs();
    const start = performance.now();
    this.#client.send(load);
    const report = await reportOf<LoadReport>(this.#client);
    const { calls, p50Ms, p99Ms, p999Ms } = report;
    let after = await this.#serverUsage();
    let { seconds } = report;
    if (load.kind === "events") {
      for (; after.received - before.received < calls; after = await this.#serverUsage()) {
        if (performance.now() - start > load.ms + arriveMs)
          throw lost(calls, after.received - before.received);
      }
      seconds = (performance.now() - start) / 1_000;
    }
    const betweenMs = this.#between.cpuMs() - cpuBefore;
    const cpuSeconds = (report.cpuMs + after.cpuMs - before.cpuMs + betweenMs) / 1_000;
    return {
      callsPerSecond: calls / seconds,
      callsPerCpuSecond: calls / cpuSeconds,
      p50Ms,
      p99Ms,
      p999Ms,
      rssMiB: report.rssMiB + after.rssMiB,
    };
  }

  async end(): Promise<void> {
    for (const child of [this.#client, this.#server]) {
      const late = setTimeout(() => child.kill("SIGKILL"), endMs);
      // One that has ended early has said why on stderr.
      if (child.connected) child.send("end" satisfies Order);
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      clearTimeout(late);
    }
  }

  #serverUsage(): Promise<Usage> {
    this.#server.send("usage" satisfies Order);
    return reportOf<Usage>(this.#server);
  }
}

function lost(published: number, arrived: number): Error {
  return new Error(`of ${published} published messages ${arrived} arrived within ${arriveMs} ms`);
}

/** The next message of a child; a child that ends first is an error. */
function reportOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const exit = (code: number | null): void => reject(new Error(`a bench process ended with ${code}`));
    child.once("exit", exit);
    child.once("message", (value) => {
      child.off("exit", exit);
      resolve(value as T);
    });
  });
}
