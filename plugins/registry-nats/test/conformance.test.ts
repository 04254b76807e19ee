import { describe } from "node:test";
import { nats, registryConformance, startNats } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-nats";

describe("on a real nats-server", { skip: nats().skip }, () => {
  registryConformance("nats", {
    start: () => startNats(),
    create: ({ address }) => newRegistry({ addresses: [address] }),
    // Whoever has registered answers: nothing is there when it isn't.
    supports: { survivesClose: false },
  });
});
