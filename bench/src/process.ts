/**
 * The two processes of one run: `process.js server <contender>`, `process.js client <contender> <address>
 * <in flight> <ms> <calls|streams>`. Each talks to its parent by IPC.
 */
import type { Turns } from "./contender.ts";
import { contenders, grpcContenders } from "./contenders/index.ts";

/** What a server says at the end. */
export interface ServerReport {
  cpuMs: number;
}

/** What a client says at the end. */
export interface ClientReport extends ServerReport {
  calls: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

const [role, name = "", address = "", inFlight = "1", ms = "1000", kind = "calls"] = process.argv.slice(2);
const contender = contenders[name] ?? grpcContenders[name];
if (contender === undefined) throw new Error(`no contender ${name}`);

if (role === "server") {
  const serving = await contender.serve();
  process.send?.({ address: serving.address });
  let since = process.cpuUsage();
  process.on("message", async (word) => {
    if (word === "warm") since = process.cpuUsage();
    if (word !== "end") return;
    process.send?.({ cpuMs: milliseconds(process.cpuUsage(since)) } satisfies ServerReport);
    await serving.close();
    process.disconnect();
  });
} else {
  const caller = await contender.connect(address);
  await load(Number(inFlight), Number(ms) / 2);
  process.send?.("warm");
  const since = process.cpuUsage();
  const { latencies, seconds } = await load(Number(inFlight), Number(ms));
  latencies.sort();
  process.send?.({
    calls: latencies.length,
    seconds,
    cpuMs: milliseconds(process.cpuUsage(since)),
    p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  } satisfies ClientReport);
  await caller.close();
  process.disconnect();

  async function load(
    count: number,
    duration: number,
  ): Promise<{ latencies: Float64Array; seconds: number }> {
    const latencies: number[] = [];
    const start = performance.now();
    const lane = async (): Promise<void> => {
      const turns: Turns | undefined = kind === "streams" ? await caller.open?.() : caller;
      if (turns === undefined) throw new Error(`${name} has no streams`);
      for (let begun = performance.now(); begun - start < duration; ) {
        const msg = await turns.call("world");
        if (msg !== "hello world") throw new Error(`wrong answer: ${msg}`);
        const ended = performance.now();
        latencies.push(ended - begun);
        begun = ended;
      }
      if (turns !== caller) await turns.close();
    };
    await Promise.all(Array.from({ length: count }, lane));
    return { latencies: Float64Array.from(latencies), seconds: (performance.now() - start) / 1_000 };
  }
}

function milliseconds(usage: NodeJS.CpuUsage): number {
  return (usage.user + usage.system) / 1_000;
}
