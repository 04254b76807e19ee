import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newServer } from "../../src/server/mucp.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { RawClient } from "./raw-client.ts";

/** A mucp server over real sockets, and what surrounds it. Stopped when the test is over. */
export function setUp(context: TestContext, all: ServerOptions & { transport?: Transport } = {}) {
  const hub = randomUUID();
  const lines: string[] = [];
  const logger = newLogger({ write: (line) => lines.push(line), level: "debug" });
  const registry = newMemoryRegistry({ addresses: [hub] });
  const broker = newMemoryBroker({ addresses: [hub], logger });
  const { transport = newHttpTransport({ logger }), ...options } = all;
  const server = newServer({
    name: "go.micro.srv.greeter",
    address: "127.0.0.1:0",
    drain: { propagationMs: 0, budgetMs: 5_000 },
    logger,
    parts: { registry, broker, transport },
    ...options,
  });
  const clients: RawClient[] = [];
  context.after(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
    await broker.disconnect();
    await registry.close();
  });
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.open(server.address);
    clients.push(client);
    return client;
  };
  return { server, registry, broker, lines, connect };
}

/** A promise and what settles it, for tests that wait for something to happen. */
export function signal<T = void>(): { promise: Promise<T>; done(value: T): void } {
  let done = (_value: T): void => {};
  const promise = new Promise<T>((resolve) => {
    done = resolve;
  });
  return { promise, done };
}
