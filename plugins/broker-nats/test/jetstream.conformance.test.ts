import { describe } from "node:test";
import { newBroker } from "@ts-micro/broker-nats";
import { brokerConformance, nats, startNats } from "@ts-micro/conformance";

describe("on a real nats-server with JetStream", { skip: nats().skip }, () => {
  brokerConformance("nats with jetstream", {
    start: () => startNats({ jetstream: true }),
    create: ({ address }) => newBroker({ addresses: [address], jetstream: true }),
  });
});
