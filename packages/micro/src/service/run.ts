/**
 * `service.run()`: the life of a service or of a program that ends by itself, from the command line to the
 * exit code.
 */
import type { Environment } from "../cmd/parse.ts";
import type { Logger } from "../logger.ts";
import { PluginError } from "../plugin/plugin-error.ts";
import { isLeftAlone } from "./budget.ts";
import { throwAll } from "./hooks.ts";
import { report } from "./report.ts";
import { type EndingSignal, endProcess, exitCodeOf, onEndingSignal } from "./signals.ts";

/** `signal` aborts when the program is asked to end. */
export type Program = (signal: AbortSignal) => unknown;

/** What `run` needs of the service. */
export interface Runnable {
  readonly name: string;
  readonly logger: Logger;
  readonly env: Environment;
  readonly handleSignals: boolean;
  /** Ends the run from outside. */
  readonly signal: AbortSignal | undefined;
  /** Resolves when somebody called `stop`. */
  readonly stopping: Promise<void>;
  init(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How many runs of this process haven't ended. */
let running = 0;

/**
 * Never rejects; gives the exit code and sets `process.exitCode` when it isn't 0. Ends the process itself only
 * where something may keep it alive that nobody waits for: what a failed plugin left open, a part that was not closed
 * in time, or a program that was cut off by a signal.
 */
export async function run(service: Runnable, program: Program | undefined): Promise<number> {
  running++;
  let ended: Ended;
  try {
    await service.init();
    ended = await live(service, program);
  } catch (error) {
    const isStuck = isLeftAlone(error);
    const code = report(error, service.name, service.env);
    ended = { code, leftovers: isStuck || PluginError.is(error), isStuck };
    // Closes what an init that failed had built; anything else was told already.
    await service.stop().catch((further: unknown) => service.logger.debug(String(further)));
  }
  running--;
  if (ended.code !== 0) process.exitCode = ended.code;
  if (ended.leftovers && running === 0) await exit(ended.isStuck);
  return ended.code;
}

interface Ended {
  readonly code: number;
  /** Something may still run that nobody waits for. */
  readonly leftovers: boolean;
  /** Something was waited for, in vain. */
  readonly isStuck?: boolean;
}

/** From the start to the end of an initialised service. */
async function live(service: Runnable, program: Program | undefined): Promise<Ended> {
  const ending = new Ending(service);
  const errors: unknown[] = [];
  let work: Work | undefined;
  try {
    // Somebody may have asked before the run began.
    await nextTurn();
    if (!ending.signal.aborted) await Promise.race([service.start(), ending.promise]);
    if (program !== undefined && !ending.signal.aborted) work = new Work(program, ending.signal);
    await Promise.race([work?.settled ?? ending.promise, ending.promise]);
  } catch (error) {
    errors.push(error);
  }
  const wasAsked = ending.signal.aborted;
  try {
    await service.stop();
  } catch (error) {
    errors.push(error);
  }
  // A call that the stop has just failed may be all that the program still waited for.
  if (wasAsked && work !== undefined) await nextTurn();
  ending.release();

  if (!wasAsked && work?.failure !== undefined) errors.unshift(work.failure.error);
  throwAll(errors, `running ${service.name}`);
  if (!wasAsked || ending.by === undefined || work === undefined || work.endedWell(ending.signal)) {
    return { code: 0, leftovers: false };
  }
  return { code: exitCodeOf(ending.by), leftovers: work.isRunning };
}

/** A program on its way. */
class Work {
  readonly settled: Promise<void>;
  isRunning = true;
  failure: { readonly error: unknown } | undefined;

  constructor(program: Program, signal: AbortSignal) {
    this.settled = this.#run(program, signal);
  }

  /** It came to its end, or gave up because it was asked to. */
  endedWell(signal: AbortSignal): boolean {
    if (this.isRunning) return false;
    if (this.failure === undefined) return true;
    const { error } = this.failure;
    return error === signal.reason || (error instanceof Error && error.name === "AbortError");
  }

  async #run(program: Program, signal: AbortSignal): Promise<void> {
    try {
      await program(signal);
    } catch (error) {
      this.failure = { error };
    } finally {
      this.isRunning = false;
    }
  }
}

/** Waits for whatever asks the run to end: a signal of the system, the caller's, or `stop`. */
class Ending {
  readonly promise: Promise<void>;
  readonly signal: AbortSignal;
  /** Set when it was a signal of the system. */
  by: EndingSignal | undefined;
  readonly #releases: (() => void)[] = [];

  constructor(service: Runnable) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.promise = new Promise((resolve) => {
      const end = (): void => {
        controller.abort();
        resolve();
      };
      if (service.handleSignals) {
        const release = onEndingSignal((signal) => {
          this.by = signal;
          service.logger.info(`Stopping [service] ${service.name}`, { signal });
          end();
        });
        this.#releases.push(release);
      }
      const { signal } = service;
      if (signal?.aborted) end();
      signal?.addEventListener("abort", end);
      this.#releases.push(() => signal?.removeEventListener("abort", end));
      void service.stopping.then(end);
    });
    // Signal handlers alone don't keep Node alive, and memory parts open nothing that would.
    const keepAlive = setInterval(() => {}, 0x7fff_ffff);
    this.#releases.push(() => clearInterval(keepAlive));
  }

  release(): void {
    for (const release of this.#releases) release();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Ends the process once what was written has left it. */
async function exit(isStuck = false): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => void stream.write("", () => resolve()));
  }
  if (isStuck) endProcess("SIGTERM", process.exitCode);
  process.exit();
}
