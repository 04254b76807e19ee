import type { Contender } from "../contender.ts";

export interface Entry {
  readonly title: string;
  /** Whose versions matter. */
  readonly packages: readonly string[];
  /** A limit shows what is left to gain; nobody would use it. */
  readonly kind: "ours" | "peer" | "limit";
  /** A process loads its own contender only. */
  load(): Promise<Contender>;
}

export const contenders: Readonly<Record<string, Entry>> = {
  mux: {
    title: "ts-micro, mux",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).mux,
  },
  mucp: {
    title: "ts-micro, mucp over HTTP/1.1",
    packages: [],
    kind: "ours",
    load: async () => (await import("./ours.ts")).mucp,
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
  nest: {
    title: "NestJS microservices, TCP",
    packages: ["@nestjs/microservices"],
    kind: "peer",
    load: async () => (await import("./nest.ts")).nest,
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
  http2: {
    title: "bare node:http2",
    packages: [],
    kind: "limit",
    load: async () => (await import("./http2.ts")).http2,
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
