/** What the project wants of its figures, and how much of it the results show. */
import { type Measured, type Result, type Summary, summaryOf } from "./results.ts";

interface Goal {
  /** What is compared with what. */
  readonly text: string;
  /** `≥` when more is better. */
  readonly sense: "≥" | "≤";
  readonly must: number;
  readonly goal: number;
  /** @default a ratio */
  readonly unit?: string;
  /** `undefined` when a result is missing. */
  measured(results: Results): number | undefined;
}

const goals: readonly Goal[] = [
  more(
    "small call, 64 in flight, calls/s, against Moleculer TCP",
    4,
    5,
    calls("rpc/small", 64, "mux", "moleculer"),
  ),
  more("the same per CPU-second", 6, 8, perCpu("rpc/small", 64, "mux", "moleculer")),
  more("small call, 64 in flight, calls/s, against NestJS TCP", 4, 5, calls("rpc/small", 64, "mux", "nest")),
  more("the same per CPU-second", 6, 8, perCpu("rpc/small", 64, "mux", "nest")),
  more("256 in flight, calls/s, against Moleculer TCP", 5, 6.5, calls("rpc/small", 256, "mux", "moleculer")),
  more("256 in flight, calls/s, against NestJS TCP", 5, 6.5, calls("rpc/small", 256, "mux", "nest")),
  more(
    "small call, 64 in flight, per CPU-second, against the JSON floor",
    0.7,
    0.8,
    perCpu("rpc/small", 64, "mux", "json-floor"),
  ),
  more("1 KiB, per CPU-second, against Moleculer TCP", 2.5, 4, perCpu("rpc/1k", 64, "mux", "moleculer")),
  more(
    "document of 1 KiB, packed, per CPU-second, against Moleculer TCP",
    2.5,
    4,
    perCpu("rpc/document-1k", 64, "mux-packed", "moleculer"),
  ),
  more("the same against the JSON floor", 0.7, 1, perCpu("rpc/document-1k", 64, "mux-packed", "json-floor")),
  more(
    "document of 64 KiB, packed, per CPU-second, against Moleculer TCP with Notepack",
    1.5,
    2.5,
    perCpu("rpc/document-64k", 64, "mux-packed", "moleculer-notepack"),
  ),
  more(
    "64 KiB of bytes, per CPU-second, against Moleculer TCP with Notepack",
    1.5,
    2.5,
    perCpu("rpc/64k-bytes", 64, "mux-bytes", "moleculer-notepack"),
  ),
  less(
    "one in flight, p50, against Moleculer TCP",
    0.85,
    0.7,
    of("rpc/small", 1, "mux", "moleculer", ({ p50Ms }) => p50Ms),
  ),
  less(
    "64 in flight, p99, against Moleculer TCP",
    0.5,
    0.25,
    of("rpc/small", 64, "mux", "moleculer", ({ p99Ms }) => p99Ms),
  ),
  more(
    "mucp over HTTP/1.1, 64 in flight, calls/s, against Fastify + undici",
    1.8,
    2.2,
    calls("rpc/small", 64, "mucp", "fastify-undici"),
  ),
  more("the same against Moleculer TCP", 1, 1.1, calls("rpc/small", 64, "mucp", "moleculer")),
  more(
    "gRPC, 64 in flight, per CPU-second, against @grpc/grpc-js",
    1.3,
    2,
    perCpu("grpc/small", 64, "grpc", "grpc-js"),
  ),
  more(
    "RPC over NATS, 64 in flight, calls/s, against Moleculer NATS",
    1.1,
    1.4,
    calls("rpc/nats", 64, "mux-nats", "moleculer-nats"),
  ),
  more("the same per CPU-second", 1.1, 1.4, perCpu("rpc/nats", 64, "mux-nats", "moleculer-nats")),
  more(
    "events over TCP, 64 publishers, messages/s, against Moleculer TCP",
    5,
    10,
    calls("events/small", 64, "events-tcp", "moleculer-events-tcp"),
  ),
  more("the same per CPU-second", 5, 10, perCpu("events/small", 64, "events-tcp", "moleculer-events-tcp")),
  more(
    "events over TCP, 1,024 publishers, messages/s, against Moleculer TCP",
    5,
    10,
    calls("events/small", 1024, "events-tcp", "moleculer-events-tcp"),
  ),
  more("the same per CPU-second", 5, 10, perCpu("events/small", 1024, "events-tcp", "moleculer-events-tcp")),
  more(
    "events over NATS, per CPU-second, against Moleculer NATS",
    2,
    3,
    perCpu("events/small", 64, "events-nats", "moleculer-events-nats"),
  ),
  less(
    "local call through the whole client path, CPU time, against Moleculer's",
    0.6,
    0.4,
    of("local/call", 1, "local", "moleculer-local", cpuTime),
  ),
  less(
    "the same against Moleculer's with a timeout too",
    0.25,
    0.15,
    of("local/call", 1, "local", "moleculer-local-timeout", cpuTime),
  ),
  less("import over bare node, CPU time, against Moleculer's", 0.4, 0.2, importTime),
  { ...less("install size", 3, 1, installMiB), unit: "MiB" },
];

/** A table of all goals. Those without a result say so. */
export function goalTable(results: readonly Result[]): string[] {
  const found = new Map(results.map((result) => [result.case, result]));
  return [
    "| case | must | goal | measured | |",
    "| --- | ---: | ---: | ---: | --- |",
    ...goals.map(({ text, sense, must, goal, unit = "×", measured }) => {
      const value = measured(found);
      const cells = [must, goal].map((limit) => `${sense} ${limit} ${unit}`);
      if (value === undefined || Number.isNaN(value))
        return `| ${[text, ...cells, "not measured yet", ""].join(" | ")} |`;
      const reaches = (limit: number): boolean => (sense === "≥" ? value >= limit : value <= limit);
      const verdict = reaches(goal) ? "goal" : reaches(must) ? "must" : "**missed**";
      return `| ${[text, ...cells, `${value.toFixed(2)} ${unit}`, verdict].join(" | ")} |`;
    }),
  ];
}

type Results = ReadonlyMap<string, Result>;
type Measure = Goal["measured"];

function more(text: string, must: number, goal: number, measured: Measure): Goal {
  return { text, sense: "≥", must, goal, measured };
}

function less(text: string, must: number, goal: number, measured: Measure): Goal {
  return { text, sense: "≤", must, goal, measured };
}

function calls(name: string, inFlight: number, ours: string, peer: string): Measure {
  return of(name, inFlight, ours, peer, ({ callsPerSecond }) => callsPerSecond);
}

function perCpu(name: string, inFlight: number, ours: string, peer: string): Measure {
  return of(name, inFlight, ours, peer, ({ callsPerCpuSecond }) => callsPerCpuSecond);
}

function of(
  name: string,
  inFlight: number,
  ours: string,
  peer: string,
  figure: (summary: Summary) => number,
): Measure {
  return (results) => {
    const [first, second] = [ours, peer].map((each) => summary(results, name, inFlight, each));
    return first === undefined || second === undefined ? undefined : figure(first) / figure(second);
  };
}

function importTime(results: Results): number | undefined {
  const [ours, peer, bare] = ["mux", "moleculer", "node"].map((each) =>
    summary(results, "start/import", 1, each),
  );
  if (ours === undefined || peer === undefined || bare === undefined) return undefined;
  return (cpuTime(ours) - cpuTime(bare)) / (cpuTime(peer) - cpuTime(bare));
}

function installMiB(results: Results): number | undefined {
  return measuredOf(results, "start/import", "mux")?.install?.mebibytes;
}

function cpuTime({ callsPerCpuSecond }: Summary): number {
  return 1 / callsPerCpuSecond;
}

function measuredOf(results: Results, name: string, contender: string): Measured | undefined {
  return results.get(name)?.contenders.find((each) => each.name === contender);
}

function summary(results: Results, name: string, inFlight: number, contender: string): Summary | undefined {
  const level = measuredOf(results, name, contender)?.levels.find((each) => each.inFlight === inFlight);
  return level === undefined ? undefined : summaryOf(level.samples);
}
