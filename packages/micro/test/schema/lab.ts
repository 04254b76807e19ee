import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { newLogger, newService, type Service, type ServiceImplementation } from "../../src/index.ts";
import { Lab } from "./gen/testing/v1/lab_pb.ts";

export type LabImplementation = ServiceImplementation<typeof Lab>;

/** Answers with what it was asked for. */
export const plainLab: LabImplementation = {
  echo: (everything) => everything,
  async *countTo({ value: last }) {
    for (let value = 1n; value <= last; value++) yield { value };
  },
  async sumUp(numbers) {
    let sum = 0n;
    for await (const { value } of numbers) sum += value;
    return { value: sum };
  },
  async *double(numbers) {
    for await (const { value } of numbers) yield { value: value * 2n };
  },
  lookUp: async ({ value }) => ({ value: value + 1n }),
  reset: () => ({}),
};

export interface Ways {
  transport: "memory" | "http";
  contentType: string;
}

/** A service that serves the lab, and one that calls it. They find each other, and nobody else. */
export async function labServices(
  t: TestContext,
  { transport, contentType }: Ways,
  implementation: Partial<LabImplementation> = {},
): Promise<{ server: Service; caller: Service; lines: string[] }> {
  const addresses = [randomUUID()];
  const lines: string[] = [];
  const options = {
    argv: [],
    env: {},
    logger: newLogger({ level: "warn", write: (line) => lines.push(line) }),
    registry: "memory",
    broker: "memory",
    transport,
    partOptions: {
      registry: { addresses },
      broker: { addresses },
      ...(transport === "memory" && { transport: { addresses } }),
      client: { contentType },
    },
    drain: { propagationMs: 0, budgetMs: 5_000 },
  };
  const server = newService({
    ...options,
    name: "lab",
    ...(transport === "http" && { address: "127.0.0.1:0" }),
  });
  const caller = newService({ ...options, name: "caller" });
  t.after(async () => {
    await caller.stop();
    await server.stop();
  });
  server.handle(Lab, { ...plainLab, ...implementation });
  await server.start();
  await caller.init();
  return { server, caller, lines };
}

/** Calls of every kind over every wire that the core has. */
export const allWays: readonly Ways[] = (["memory", "http"] as const).flatMap((transport) =>
  ["application/json", "application/protobuf", "application/json-rpc", "application/proto-rpc"].map(
    (contentType) => ({ transport, contentType }),
  ),
);
