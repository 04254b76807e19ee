import type { Contender } from "../contender.ts";
import type { GoMicro } from "../go-micro.ts";

export interface Entry {
  readonly title: string;
  /** Whose versions matter. */
  readonly packages: readonly string[];
  /** A limit shows what is left to gain; nobody would use it. */
  readonly kind: "ours" | "peer" | "limit";
  /** What a program imports for it. @default `packages` */
  readonly imports?: readonly string[];
  /** What it needs beside the two processes. */
  readonly needs?: "nats" | "go";
  /** A process loads its own contender only. Absent where nothing is served, or not by JavaScript. */
  load?(): Promise<Contender>;
  /** The program that is both processes. */
  readonly go?: GoMicro;
  /** How many plugins it loads. */
  readonly plugins?: number;
  /** A server and a client of two contenders. */
  readonly sides?: { readonly server: string; readonly client: string };
}

export const contenders: Readonly<Record<string, Entry>> = {
  mux: {
    title: "ts-micro, mux",
    packages: [],
    imports: ["ts-micro"],
    kind: "ours",
    load: async () => (await import("./ours.ts")).mux,
  },
  mucp: {
    title: "ts-micro, mucp over HTTP/1.1",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).mucp,
  },
  "mux-wrapped": {
    title: "ts-micro, mux, one wrapper at each end",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).muxWrapped,
  },
  "mux-1000-nodes": {
    title: "ts-micro, mux, 1,000 nodes",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).muxManyNodes,
  },
  "mux-nats": {
    title: "ts-micro, mux over NATS",
    packages: [],
    kind: "ours",
    needs: "nats",
    load: async () => (await import("./ours.ts")).muxNats,
  },
  "mucp-nats": {
    title: "ts-micro, mucp over NATS",
    packages: [],
    kind: "ours",
    needs: "nats",
    load: async () => (await import("./ours.ts")).mucpNats,
  },
  "mux-packed": {
    title: "ts-micro, mux, packed JSON",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).muxPacked,
  },
  "mux-bytes": {
    title: "ts-micro, mux, bytes",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours-bytes.ts")).muxBytes,
  },
  local: {
    title: "ts-micro, in one process",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours-local.ts")).local,
  },
  "plugins-0": { title: "ts-micro, no plugin", packages: [], kind: "ours", plugins: 0 },
  "plugins-1": { title: "ts-micro, one plugin", packages: [], kind: "ours", plugins: 1 },
  "plugins-10": { title: "ts-micro, ten plugins", packages: [], kind: "ours", plugins: 10 },
  "events-tcp": {
    title: "ts-micro, default broker",
    packages: [],
    kind: "ours",
    load: async () => (await import("./events.ts")).tcpEvents,
  },
  "events-http": {
    title: "ts-micro, default broker, over HTTP",
    packages: [],
    kind: "ours",
    load: async () => (await import("./events.ts")).httpEvents,
  },
  "events-nats": {
    title: "ts-micro, NATS broker",
    packages: [],
    kind: "ours",
    needs: "nats",
    load: async () => (await import("./events.ts")).natsEvents,
  },
  grpc: {
    title: "ts-micro, gRPC",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours-grpc.ts")).grpc,
  },
  brpc: {
    title: "ts-micro, bRPC",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours-brpc.ts")).brpc,
  },
  moleculer: {
    title: "Moleculer, TCP",
    packages: ["moleculer"],
    kind: "peer",
    load: async () => (await import("./moleculer.ts")).moleculer,
  },
  "moleculer-nats": {
    title: "Moleculer, NATS",
    packages: ["moleculer", "nats"],
    kind: "peer",
    needs: "nats",
    load: async () => (await import("./moleculer.ts")).moleculerNats,
  },
  "moleculer-notepack": {
    title: "Moleculer, TCP, Notepack",
    packages: ["moleculer", "notepack.io"],
    kind: "peer",
    load: async () => (await import("./moleculer.ts")).moleculerNotepack,
  },
  "moleculer-wrapped": {
    title: "Moleculer, TCP, one middleware at each end",
    packages: ["moleculer"],
    kind: "peer",
    load: async () => (await import("./moleculer.ts")).moleculerWrapped,
  },
  "moleculer-local": {
    title: "Moleculer, in one process",
    packages: ["moleculer"],
    kind: "peer",
    load: async () => (await import("./moleculer.ts")).moleculerLocal,
  },
  "moleculer-local-timeout": {
    title: "Moleculer, in one process, requestTimeout 5 s",
    packages: ["moleculer"],
    kind: "peer",
    load: async () => (await import("./moleculer.ts")).moleculerLocalTimeout,
  },
  "moleculer-events-tcp": {
    title: "Moleculer, TCP",
    packages: ["moleculer"],
    kind: "peer",
    load: async () => (await import("./events.ts")).moleculerTcpEvents,
  },
  "moleculer-events-nats": {
    title: "Moleculer, NATS",
    packages: ["moleculer", "nats"],
    kind: "peer",
    needs: "nats",
    load: async () => (await import("./events.ts")).moleculerNatsEvents,
  },
  nest: {
    title: "NestJS microservices, TCP",
    packages: ["@nestjs/microservices"],
    imports: ["reflect-metadata", "@nestjs/core", "@nestjs/microservices"],
    kind: "peer",
    load: async () => (await import("./nest.ts")).nest,
  },
  "nest-nats": {
    title: "NestJS microservices, NATS",
    packages: ["@nestjs/microservices", "nats"],
    kind: "peer",
    needs: "nats",
    load: async () => (await import("./nest.ts")).nestNats,
  },
  "nest-grpc": {
    title: "NestJS microservices, gRPC",
    packages: ["@nestjs/microservices", "@grpc/grpc-js"],
    kind: "peer",
    load: async () => (await import("./nest.ts")).nestGrpc,
  },
  cote: {
    title: "cote",
    packages: ["cote"],
    kind: "peer",
    load: async () => (await import("./cote.ts")).coteTcp,
  },
  trpc: {
    title: "tRPC",
    packages: ["@trpc/server"],
    kind: "peer",
    load: async () => (await import("./trpc.ts")).trpc,
  },
  "fastify-undici": {
    title: "Fastify + undici",
    packages: ["fastify", "undici"],
    kind: "peer",
    load: async () => (await import("./fastify.ts")).fastifyUndici,
  },
  "grpc-js": {
    title: "@grpc/grpc-js",
    packages: ["@grpc/grpc-js"],
    kind: "peer",
    load: async () => (await import("./grpc-js.ts")).grpcJs,
  },
  connect: {
    title: "Connect, gRPC",
    packages: ["@connectrpc/connect-node"],
    kind: "peer",
    load: async () => (await import("./connect.ts")).connectNode,
  },
  "go-micro": {
    title: "go-micro v5.12.0, in Go",
    packages: [],
    kind: "peer",
    needs: "go",
    go: { module: "v5", flags: [] },
  },
  "go-micro-v2": {
    title: "go-micro v2.9.1, in Go",
    packages: [],
    kind: "peer",
    needs: "go",
    go: { module: "v2", flags: ["--client=mucp", "--server=mucp"] },
  },
  "mucp-to-go-v2": {
    title: "ts-micro calls go-micro v2.9.1",
    packages: [],
    kind: "ours",
    needs: "go",
    sides: { server: "go-micro-v2", client: "mucp" },
  },
  "go-to-mucp": {
    title: "go-micro v5.12.0 calls ts-micro",
    packages: [],
    kind: "ours",
    needs: "go",
    sides: { server: "mucp", client: "go-micro" },
  },
  http2: {
    title: "bare node:http2",
    packages: [],
    kind: "limit",
    load: async () => (await import("./http2.ts")).http2,
  },
  node: {
    title: "node alone",
    packages: [],
    kind: "limit",
  },
  "nats-request": {
    title: "request of the NATS client",
    packages: ["@nats-io/transport-node"],
    kind: "limit",
    needs: "nats",
    load: async () => (await import("./nats-request.ts")).natsRequest,
  },
  "json-floor": {
    title: "JSON lines over TCP",
    packages: [],
    kind: "limit",
    load: async () => (await import("./limits.ts")).jsonFloor,
  },
  "bare-echo": {
    title: "bytes echoed over TCP",
    packages: [],
    kind: "limit",
    load: async () => (await import("./limits.ts")).bareEcho,
  },
};

export function contenderNamed(name: string): Entry {
  const entry = contenders[name];
  if (entry === undefined) {
    throw new Error(`no contender ${name}; there are ${Object.keys(contenders).join(", ")}`);
  }
  return entry;
}

/** @throws Error for one that is no module of ours */
export function loadContender(name: string): Promise<Contender> {
  const { title, load } = contenderNamed(name);
  if (load === undefined) throw new Error(`${title} can't be loaded into a process`);
  return load();
}
