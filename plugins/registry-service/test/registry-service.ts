import { newServer } from "@ts-micro/server-grpc";
import { offerRegistry, Registry } from "@ts-micro/service-wire";
import { newLogger, newService } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";

export interface RegistryService extends AsyncDisposable {
  readonly address: string;
}

/** What `micro registry --registry=memory` is. */
export async function startRegistryService(address = "127.0.0.1:0"): Promise<RegistryService> {
  const service = newService({
    name: "go.micro.registry",
    address,
    registry: newMemoryRegistry(),
    server: newServer,
    drain: { propagationMs: 0, budgetMs: 1_000 },
    logger: newLogger({ level: "fatal" }),
    argv: [],
    env: {},
  });
  service.handle(
    Registry,
    offerRegistry(() => service.registry),
  );
  await service.start();
  return {
    address: service.server.address,
    [Symbol.asyncDispose]: () => service.stop(),
  };
}
