/**
 * Small calls between two processes on loopback, the same work for everyone. Each round runs each contender once,
 * in random order; shown are medians and their spread, and each contender's ratio to the first one.
 *
 *     node main.js [grpc]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { contenders, grpcContenders } from "./contenders/index.ts";
import type { ClientReport, ServerReport } from "./process.ts";

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const ms = Number(process.env.BENCH_MS ?? 1_500);
const overGrpc = process.argv[2] === "grpc";
const names = Object.keys(overGrpc ? grpcContenders : contenders);
const [reference = ""] = names;
const program = fileURLToPath(new URL("process.js", import.meta.url));

interface Sample {
  callsPerSecond: number;
  /** Of client and server together: what stays stable on a shared machine. */
  callsPerCpuSecond: number;
  p50: number;
  p99: number;
}

console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}`);
console.log(
  `${rounds} interleaved rounds of ${ms} ms after ${ms / 2} ms of warm-up; { name: "world" } → { msg: "hello world" }`,
);
const workloads = [
  { kind: "calls", inFlight: 1 },
  { kind: "calls", inFlight: 64 },
  ...(overGrpc ? [{ kind: "streams", inFlight: 64 }] : []),
] as const;
for (const workload of workloads) {
  const samples = new Map(names.map((name) => [name, [] as Sample[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) samples.get(name)?.push(await run(name, workload));
  }
  console.log(`\n${workload.inFlight} ${workload.kind} in flight`);
  print(samples);
}
console.log(
  `\nNot shown: large bodies, ${overGrpc ? "" : "streams, "}discovery, TLS, and anything across a real network.`,
);

async function run(name: string, { kind, inFlight }: (typeof workloads)[number]): Promise<Sample> {
  const server = fork(program, ["server", name]);
  const { address } = await message<{ address: string }>(server);
  const client = fork(program, ["client", name, address, String(inFlight), String(ms), kind]);
  await message(client);
  server.send("warm");
  const clientReport = await message<ClientReport>(client);
  server.send("end");
  const serverReport = await message<ServerReport>(server);
  await Promise.all([client, server].map((child) => child.exitCode ?? once(child, "exit")));
  const { calls, seconds, p50, p99 } = clientReport;
  const cpuSeconds = (clientReport.cpuMs + serverReport.cpuMs) / 1_000;
  return { callsPerSecond: calls / seconds, callsPerCpuSecond: calls / cpuSeconds, p50, p99 };
}

/** The next message of a child; a child that ends first is an error. */
function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const exit = (code: number | null): void => reject(new Error(`a bench process ended with ${code}`));
    child.once("exit", exit);
    child.once("message", (value) => {
      child.off("exit", exit);
      resolve(value as T);
    });
  });
}

function print(samples: Map<string, Sample[]>): void {
  const first = median((samples.get(reference) ?? []).map((sample) => sample.callsPerCpuSecond));
  console.table(
    Object.fromEntries(
      [...samples].map(([name, all]) => [
        name,
        {
          "calls/s": Math.round(median(all.map((sample) => sample.callsPerSecond))),
          spread: spread(all.map((sample) => sample.callsPerSecond)),
          "calls/CPU-s": Math.round(median(all.map((sample) => sample.callsPerCpuSecond))),
          [`of ${reference}`]: Number(
            (median(all.map((sample) => sample.callsPerCpuSecond)) / first).toFixed(2),
          ),
          "p50 ms": Number(median(all.map((sample) => sample.p50)).toFixed(3)),
          "p99 ms": Number(median(all.map((sample) => sample.p99)).toFixed(3)),
        },
      ]),
    ),
  );
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function spread(values: number[]): string {
  return `±${Math.round(((Math.max(...values) - Math.min(...values)) / 2 / median(values)) * 100)} %`;
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
