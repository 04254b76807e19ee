/**
 * One of the two processes of a contender: `process.js server <contender>`, or `process.js client <contender>
 * <address>`. It says its address when it is ready, then answers each order of its parent with one report, by IPC.
 */
import { answerTo, type Question, type Turns } from "./contender.ts";
import { contenderNamed } from "./contenders/index.ts";

/** What a client is told to do. */
export interface Load {
  readonly question: Question;
  readonly kind: "calls" | "streams";
  readonly inFlight: number;
  readonly ms: number;
}

export interface LoadReport {
  readonly calls: number;
  readonly seconds: number;
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** `cpu`: the milliseconds of processor time since it started. `end`: close, and no report. */
export type Order = Load | "cpu" | "end";

const [role, name = "", address = ""] = process.argv.slice(2);
const contender = await contenderNamed(name).load();

if (role === "server") {
  const serving = await contender.serve();
  onOrder(() => serving.close());
  process.send?.(serving.address);
} else {
  const caller = await contender.connect(address);

  const load = async ({ question, kind, inFlight, ms }: Load): Promise<LoadReport> => {
    const expected = answerTo(question);
    const latencies: number[] = [];
    const cpuBefore = cpuMs();
    const start = performance.now();
    const lane = async (): Promise<void> => {
      const turns: Turns | undefined = kind === "streams" ? await caller.open?.() : caller;
      if (turns === undefined) throw new Error(`${name} has no streams`);
      for (let begun = performance.now(); begun - start < ms; ) {
        const answer = await turns.call(question);
        if (answer.msg !== expected.msg || answer.data?.length !== expected.data?.length) {
          throw new Error(`${name} gave a wrong answer: ${JSON.stringify(answer).slice(0, 200)}`);
        }
        const ended = performance.now();
        latencies.push(ended - begun);
        begun = ended;
      }
      if (turns !== caller) await turns.close();
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    const seconds = (performance.now() - start) / 1_000;
    const used = cpuMs() - cpuBefore;
    const sorted = Float64Array.from(latencies).sort();
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    return { calls: sorted.length, seconds, cpuMs: used, p50Ms: at(0.5), p99Ms: at(0.99) };
  };

  onOrder(() => caller.close(), load);
  process.send?.("connected");
}

function onOrder(close: () => Promise<void>, load?: (order: Load) => Promise<LoadReport>): void {
  process.on("message", async (order: Order) => {
    if (order === "end") {
      await close();
      process.exit();
    }
    process.send?.(order === "cpu" ? cpuMs() : await load?.(order));
  });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
