import { newServer } from "@ts-micro/server-grpc";
import { Broker, offerBroker } from "@ts-micro/service-wire";
import { newLogger, newService } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import { newMemoryRegistry } from "ts-micro/registry";

export interface BrokerService extends AsyncDisposable {
  readonly address: string;
}

/** What `micro broker --broker=memory` is. */
export async function startBrokerService(address = "127.0.0.1:0"): Promise<BrokerService> {
  const service = newService({
    name: "go.micro.broker",
    address,
    registry: newMemoryRegistry(),
    broker: newMemoryBroker(),
    server: newServer,
    drain: { propagationMs: 0, budgetMs: 1_000 },
    beforeStart: [() => service.broker.connect()],
    logger: newLogger({ level: "fatal" }),
    argv: [],
    env: {},
  });
  service.handle(
    Broker,
    offerBroker(() => service.broker),
  );
  await service.start();
  return {
    address: service.server.address,
    [Symbol.asyncDispose]: () => service.stop(),
  };
}
