import { type Context, newLogger } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, type Server } from "ts-micro/server";
import { type GrpcServerOptions, newServer } from "../src/index.ts";

/** Handlers fail on purpose here. */
const logger = newLogger({ write: () => {} });
let names = 0;

/** A started server with the handler `Test`, which is stopped when the test ends. */
export async function serve(
  context: { after(run: () => Promise<void>): void },
  methods: Readonly<Record<string, (body: never, context: Context) => unknown>>,
  options: GrpcServerOptions = {},
): Promise<Server> {
  const name = `server-grpc.test.${process.pid}.${++names}`;
  const server = newServer({
    name,
    address: "127.0.0.1:0",
    drain: { propagationMs: 0, budgetMs: 0 },
    logger,
    parts: { registry: newMemoryRegistry({ addresses: [name] }) },
    ...options,
  });
  server.handle(newHandler("Test", methods));
  await server.start();
  context.after(() => server.stop());
  return server;
}
