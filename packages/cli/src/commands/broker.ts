import { type Command, jsonFlag } from "../command.ts";
import { serveUntilAsked, speakGrpc } from "../serve.ts";

/** As go-micro v2's `micro broker`. */
export const broker: Command = {
  name: "broker",
  args: [],
  summary: "Offer a broker to everyone over RPC, for --broker=service",
  flags: [jsonFlag],
  serves: {
    name: "go.micro.broker",
    address: ":8001",
    async prepare(service) {
      const { Broker, offerBroker } = await import("@ts-micro/service-wire");
      service.handle(
        Broker,
        offerBroker(() => service.broker),
      );
    },
    async beforeStart(service) {
      await speakGrpc();
      await service.broker.connect();
    },
  },
  run: (call) => serveUntilAsked(call, "broker"),
};
