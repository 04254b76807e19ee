import { randomUUID } from "node:crypto";
import { type Context, newLogger, newService, type Service, type ServiceOptions } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { type BrpcServerOptions, brpcCall, brpcError, newServer } from "../src/index.ts";
import { EchoService } from "./schema/gen/example/echo_pb.ts";

/** The service of `fixtures/brpc-frames.json`: it repeats message, attachment and user fields. */
function echo({ message }: { message: string }, context: Context): { message: string } {
  const call = brpcCall(context);
  if (call !== undefined) {
    call.response.attachment = call.attachment;
    for (const [key, value] of call.userFields) call.response.userFields.set(key, `${value}!`);
  }
  if (message === "fail") throw brpcError(2001, "handler says no");
  return { message };
}

export interface RunningEcho {
  readonly service: Service;
  readonly address: string;
  /** Lines of its log. */
  readonly logged: string[];
  stop(): Promise<void>;
}

/** Started on a free port, with a registry of its own unless the options have another. */
export async function startEcho(
  own: BrpcServerOptions = {},
  options: ServiceOptions = {},
): Promise<RunningEcho> {
  const logged: string[] = [];
  const service = newService({
    name: "echo",
    server: (shared) => newServer({ ...shared, ...own }),
    address: "127.0.0.1:0",
    registry: () => newMemoryRegistry({ addresses: [randomUUID()] }),
    drain: { propagationMs: 0, budgetMs: 1_000 },
    logger: newLogger({ level: "debug", write: (line) => logged.push(line) }),
    argv: [],
    env: {},
    ...options,
  });
  service.handle(EchoService, { echo });
  service.handle("Plain", {
    Echo: (request: unknown) => request,
    Repeat: (times: number) => "x".repeat(times),
    Metadata: (_request: unknown, context: Context) => ({ ...context.metadata }),
    Remaining: (_request: unknown, context: Context) => context.remainingMs() ?? null,
    Throw: (_request: unknown, context: Context) => {
      throw new Error(`for ${context.peer.address}`);
    },
  });
  await service.start();
  return { service, logged, address: service.server.address, stop: () => service.stop() };
}
