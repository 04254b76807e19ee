import type { Question } from "./contender.ts";

export interface Case {
  readonly title: string;
  readonly question: Question;
  /** `streams` lets as many streams take turns. */
  readonly kind: "calls" | "streams";
  readonly inFlight: readonly number[];
  readonly contenders: readonly string[];
  /** Runs when no case is named. */
  readonly byDefault: boolean;
}

const everybody = [
  "mux",
  "mucp",
  "grpc",
  "brpc",
  "moleculer",
  "nest",
  "fastify-undici",
  "grpc-js",
  "json-floor",
  "bare-echo",
];
const overHttp2 = ["grpc", "grpc-js", "connect", "http2"];
const world = { name: "world" };

/** By name, as given on the command line; a name's beginning stands for all that begin so. */
export const cases: Readonly<Record<string, Case>> = {
  "rpc/small": {
    title: "Small calls",
    question: world,
    kind: "calls",
    inFlight: [1, 64, 256],
    contenders: everybody,
    byDefault: true,
  },
  "rpc/1k": {
    title: "Calls with 1 KiB of text, there and back",
    question: { ...world, data: "x".repeat(1024) },
    kind: "calls",
    inFlight: [64],
    contenders: everybody,
    byDefault: true,
  },
  "rpc/64k": {
    title: "Calls with 64 KiB of text, there and back",
    question: { ...world, data: "x".repeat(64 * 1024) },
    kind: "calls",
    inFlight: [64],
    contenders: everybody,
    byDefault: true,
  },
  "grpc/small": {
    title: "Small calls over gRPC",
    question: world,
    kind: "calls",
    inFlight: [1, 64],
    contenders: overHttp2,
    byDefault: false,
  },
  "grpc/streams": {
    title: "Turns on gRPC streams",
    question: world,
    kind: "streams",
    inFlight: [64],
    contenders: overHttp2,
    byDefault: false,
  },
};

/**
 * The names of the cases that are asked for.
 * @param asked names or beginnings of them, `rpc` or `rpc/small`; none for the default set
 * @throws Error for one that fits nothing
 */
export function casesNamed(asked: readonly string[], all: boolean): string[] {
  const names = Object.keys(cases);
  const unknown = asked.find((part) => !names.some((name) => fits(name, part)));
  if (unknown !== undefined) throw new Error(`no case ${unknown}; there are ${names.join(", ")}`);
  if (asked.length > 0) return names.filter((name) => asked.some((part) => fits(name, part)));
  return names.filter((name) => all || cases[name]?.byDefault);
}

function fits(name: string, part: string): boolean {
  return name === part || name.startsWith(`${part}/`);
}
