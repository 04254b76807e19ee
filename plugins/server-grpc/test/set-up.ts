import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import type { ClientServerSubject } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import { newTypedClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import type { Handler, ServiceDescriptor } from "ts-micro/server";
import { type GrpcServerOptions, newServer } from "../src/index.ts";

// By a name that the compiler doesn't see: the client's project refers to this one, and projects go in no circle.
const clientPackage: string = "@ts-micro/client-grpc";
const { newClient } = (await import(clientPackage)) as Pick<ClientServerSubject, "newClient">;

/** A started server and a client of it. Both are stopped after the test. */
export async function setUp(
  context: TestContext,
  handlers: readonly Handler[],
  options: GrpcServerOptions = {},
) {
  const addresses = [randomUUID()];
  const registry = newMemoryRegistry({ addresses });
  const server = newServer({
    name: "greeter",
    address: "127.0.0.1:0",
    drain: { propagationMs: 0, budgetMs: 60_000 },
    logger: newLogger({ level: "error" }),
    parts: { registry, broker: newMemoryBroker({ addresses }) },
    ...options,
  });
  for (const handler of handlers) server.handle(handler);
  await server.start();
  const client = newClient({ logger: newLogger({ level: "error" }) });
  context.after(async () => {
    await client.close();
    await server.stop();
  });
  const clientOf = <S extends ServiceDescriptor>(schema: S) =>
    newTypedClient(schema, client, { service: "greeter", addresses: [server.address], retries: 0 });
  return { server, client, clientOf, registry };
}
