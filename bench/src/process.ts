/**
 * One of the two processes of a contender: `process.js server <contender>`, or `process.js client <contender>
 * <address>`. It says its address when it is ready, then answers each order of its parent with one report, by IPC.
 */
import { isStart, type Kind } from "./cases.ts";
import type { Question } from "./contender.ts";
import { loadContender } from "./contenders/index.ts";
import { lanes } from "./lanes.ts";
import { Watch } from "./watch.ts";

/** What a client is told to do. */
export interface Load {
  readonly question: Question;
  readonly kind: Kind;
  readonly inFlight: number;
  readonly ms: number;
}

export interface LoadReport {
  readonly calls: number;
  readonly seconds: number;
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Resident memory afterwards. */
  readonly rssMiB: number;
}

/** What a process has used so far. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMiB: number;
  /** Published messages that have arrived. */
  readonly received: number;
}

/** `usage`: what it has used since it started. `end`: close, and no report. */
export type Order = Load | "usage" | "end";

const [role, name = "", address = ""] = process.argv.slice(2);
const contender = await loadContender(name);
let received = (): number => 0;

if (role === "server") {
  const serving = await contender.serve();
  onOrder(() => serving.close());
  received = () => serving.received?.() ?? 0;
  process.send?.(serving.address);
} else {
  const caller = await contender.connect(address);

  const load = async (order: Load): Promise<LoadReport> => {
    const cpuBefore = usage().cpuMs;
    const start = performance.now();
    const watch = new Watch(start + order.ms);
    if (isStart(order.kind)) throw new Error(`${order.kind} need new processes`);
    const lane = lanes[order.kind];
    const counts = await Promise.all(
      Array.from({ length: order.inFlight }, () => lane(caller, order, watch)),
    );
    const seconds = (performance.now() - start) / 1_000;
    const { cpuMs, rssMiB } = usage();
    const sorted = Float64Array.from(watch.latenciesMs).sort();
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    const calls = counts.reduce((sum, count) => sum + count, 0);
    return {
      calls,
      seconds,
      cpuMs: cpuMs - cpuBefore,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      p999Ms: at(0.999),
      rssMiB,
    };
  };

  onOrder(() => caller.close(), load);
  process.send?.("connected");
}

function onOrder(close: () => Promise<void>, load?: (order: Load) => Promise<LoadReport>): void {
  // The parent has died, and nobody else ends this.
  process.once("disconnect", () => process.exit());
  process.on("message", async (order: Order) => {
    if (order === "end") {
      await close();
      process.exit();
    }
    process.send?.(order === "usage" ? usage() : await load?.(order));
  });
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1_000,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    received: received(),
  };
}
