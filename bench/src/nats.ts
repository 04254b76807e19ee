import { readFileSync } from "node:fs";
import { startNats } from "@ts-micro/conformance";

/** A nats-server between the two processes of each contender. */
export interface Nats extends AsyncDisposable {
  /** What it has used since it started; 0 where the system doesn't say so in `/proc`. */
  cpuMs(): number;
}

/** Starts nats-server for the processes that are started from now on, which find its address in `BENCH_NATS`. */
export async function withNats(): Promise<Nats> {
  const server = await startNats();
  process.env.BENCH_NATS = server.address;
  return {
    cpuMs: () => (process.platform === "linux" ? cpuMsOf(server.pid) : 0),
    async [Symbol.asyncDispose]() {
      delete process.env.BENCH_NATS;
      await server.stop();
    },
  };
}

/** Linux counts in hundredths of a second here, whatever the kernel's own clock (proc(5), `USER_HZ`). */
const tickMs = 10;

/** The fields behind the name, which is in parentheses: the 12th and 13th are the time in user and in system mode. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
