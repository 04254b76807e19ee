import { type Command, jsonFlag } from "../command.ts";
import { serveUntilAsked, speakGrpc } from "../serve.ts";

/** As go-micro v2's `micro registry`. */
export const registry: Command = {
  name: "registry",
  args: [],
  summary: "Offer a registry to everyone over RPC, for --registry=service",
  flags: [jsonFlag],
  serves: {
    name: "go.micro.registry",
    address: ":8000",
    async prepare(service) {
      const { offerRegistry, Registry } = await import("@ts-micro/service-wire");
      service.handle(
        Registry,
        offerRegistry(() => service.registry),
      );
    },
    beforeStart: () => speakGrpc(),
  },
  run: (call) => serveUntilAsked(call, "registry"),
};
