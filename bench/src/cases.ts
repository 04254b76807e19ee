import type { Question } from "./contender.ts";
import { order, orders } from "./document.ts";

/**
 * `streams` lets as many streams take turns; `items` opens as many that only the server sends on; `local` calls in one process; `events` publishes.
 */
export type LoadKind = "calls" | "streams" | "items" | "local" | "events";

/** Starts a process anew each time, until it has imported what it needs, has initialised a service, or has had an answer from itself. */
export type StartKind = "imports" | "inits" | "answers";

export type Kind = LoadKind | StartKind;

export function isStart(kind: Kind): kind is StartKind {
  return kind === "imports" || kind === "inits" || kind === "answers";
}

export interface Case {
  readonly title: string;
  readonly question: Question;
  readonly kind: Kind;
  readonly inFlight: readonly number[];
  readonly contenders: readonly string[];
  /** Its processes run on Node 22, with peers that want it. */
  readonly onNode22?: true;
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
  "cote",
  "fastify-undici",
  "trpc",
  "grpc-js",
  "go-micro",
  "json-floor",
  "bare-echo",
];
const overHttp2 = ["grpc", "grpc-js", "connect", "http2"];
const withDocuments = ["mux", "mux-packed", "moleculer", "moleculer-notepack", "json-floor"];
const world = { name: "world" };

/** By name, as given on the command line; a name's beginning stands for all that begin so. */
export const cases: Readonly<Record<string, Case>> = {
  "rpc/small": {
    title: "Small calls",
    question: world,
    kind: "calls",
    inFlight: [1, 64, 256, 512],
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
  "rpc/64k-bytes": {
    title: "Calls with 64 KiB of bytes, there and back",
    question: { ...world, data: new Uint8Array(64 * 1024).fill(7) },
    kind: "calls",
    inFlight: [64],
    contenders: ["mux-bytes", "moleculer-notepack"],
    byDefault: true,
  },
  "rpc/document-1k": {
    title: "Calls with a document of 1 KiB, there and back",
    question: { ...world, document: order(1) },
    kind: "calls",
    inFlight: [64],
    contenders: withDocuments,
    byDefault: true,
  },
  "rpc/document-64k": {
    title: "Calls with a document of 64 KiB, there and back",
    question: { ...world, document: orders() },
    kind: "calls",
    inFlight: [64],
    contenders: withDocuments,
    byDefault: true,
  },
  "rpc/items": {
    title: "Streams of 500 small answers each",
    question: world,
    kind: "items",
    inFlight: [16],
    contenders: ["mux", "mucp", "grpc", "grpc-js", "connect"],
    byDefault: true,
  },
  "rpc/wrappers": {
    title: "Small calls through one more wrapper",
    question: world,
    kind: "calls",
    inFlight: [64],
    contenders: ["mux", "mux-wrapped", "moleculer", "moleculer-wrapped"],
    byDefault: true,
  },
  "rpc/nodes": {
    title: "Small calls to a service with many nodes",
    question: world,
    kind: "calls",
    inFlight: [64],
    contenders: ["mux", "mux-1000-nodes"],
    byDefault: true,
  },
  "rpc/node-22": {
    title: "Small calls on Node 22, with the newest peers",
    question: world,
    kind: "calls",
    inFlight: [1, 64, 256],
    contenders: ["mux", "mucp", "moleculer", "nest", "json-floor"],
    onNode22: true,
    byDefault: true,
  },
  "rpc/go": {
    title: "Small calls between ts-micro and go-micro",
    question: world,
    kind: "calls",
    inFlight: [1, 64],
    contenders: ["mucp", "mucp-to-go-v2", "go-to-mucp", "go-micro", "go-micro-v2"],
    byDefault: true,
  },
  "rpc/nats": {
    title: "Small calls through NATS",
    question: world,
    kind: "calls",
    inFlight: [1, 64],
    contenders: ["mux-nats", "mucp-nats", "moleculer-nats", "nest-nats", "nats-request"],
    byDefault: true,
  },
  "local/call": {
    title: "Calls inside one process",
    question: world,
    kind: "local",
    inFlight: [1],
    contenders: ["local", "moleculer-local", "moleculer-local-timeout"],
    byDefault: true,
  },
  "local/node-22": {
    title: "Calls inside one process on Node 22, with the newest peer",
    question: world,
    kind: "local",
    inFlight: [1],
    contenders: ["local", "moleculer-local", "moleculer-local-timeout"],
    onNode22: true,
    byDefault: true,
  },
  "events/small": {
    title: "Small messages, published and received",
    question: world,
    kind: "events",
    inFlight: [64, 1024],
    contenders: ["events-tcp", "events-http", "events-nats", "moleculer-events-tcp", "moleculer-events-nats"],
    byDefault: true,
  },
  "start/import": {
    title: "Starting a process that imports the framework",
    question: world,
    kind: "imports",
    inFlight: [1],
    contenders: ["mux", "moleculer", "nest", "fastify-undici", "grpc-js", "node"],
    byDefault: true,
  },
  "start/answer": {
    title: "Starting a process, up to the first answer of its own server",
    question: world,
    kind: "answers",
    inFlight: [1],
    contenders: ["mux", "moleculer", "nest", "fastify-undici", "grpc-js"],
    byDefault: true,
  },
  "start/plugin": {
    title: "Starting a process that loads plugins",
    question: world,
    kind: "inits",
    inFlight: [1],
    contenders: ["plugins-0", "plugins-1", "plugins-10"],
    byDefault: true,
  },
  "grpc/small": {
    title: "Small calls over gRPC",
    question: world,
    kind: "calls",
    inFlight: [1, 64],
    contenders: [...overHttp2, "nest-grpc"],
    byDefault: true,
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
