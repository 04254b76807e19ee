import { randomUUID } from "node:crypto";
import { newServer } from "@ts-micro/server-grpc";
import { newLogger, type TlsOptions } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import { newMemoryRegistry } from "ts-micro/registry";
import type { Handler, Server } from "ts-micro/server";

export interface ServerUnderTest {
  name?: string;
  handlers: readonly Handler[];
  tls?: TlsOptions;
}

/** A gRPC server of ours on a free port, that nobody but the test knows of. */
export async function startServer({ name = "interop", handlers, tls }: ServerUnderTest): Promise<Server> {
  const addresses = [randomUUID()];
  const server = newServer({
    name,
    address: "127.0.0.1:0",
    drain: { propagationMs: 0, budgetMs: 5_000 },
    logger: newLogger({ level: "error" }),
    parts: { registry: newMemoryRegistry({ addresses }), broker: newMemoryBroker({ addresses }) },
    ...(tls !== undefined && { tls }),
  });
  for (const handler of handlers) server.handle(handler);
  await server.start();
  return server;
}
