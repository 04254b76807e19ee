import { describe } from "node:test";
import { nats, startNats, storeConformance } from "@ts-micro/conformance";
import { newStore } from "@ts-micro/store-nats";

describe("on a real nats-server with JetStream", { skip: nats().skip }, () => {
  storeConformance("nats", {
    start: () => startNats({ jetstream: true }),
    create: ({ address }, options) => newStore({ ...options, addresses: [address], timeoutMs: 30_000 }),
    supports: { valueBytes: 4 * 1024 * 1024 },
  });
});
