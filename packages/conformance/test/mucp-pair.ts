import { clientServerConformance } from "../src/index.ts";
import type { MutationList } from "./mutation.ts";

export type PairExports = typeof import("ts-micro/client") &
  typeof import("ts-micro/server") &
  typeof import("ts-micro/transport");

/** The mucp client and server, over the memory transport: what both of their lists are tried with. */
export const mucpPair: Omit<MutationList<PairExports>, "mutations"> = {
  entries: ["client/index.js", "server/index.js", "transport/index.js"],
  suite: ({ newClient, newServer, newMemoryTransport }) =>
    clientServerConformance("mucp over memory", {
      newClient,
      newServer,
      newTransport: (hub) => newMemoryTransport({ addresses: [hub] }),
      timeoutMs: 5_000,
    }),
};
