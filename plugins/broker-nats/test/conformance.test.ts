import { describe } from "node:test";
import { newBroker } from "@ts-micro/broker-nats";
import { brokerConformance, nats, startNats } from "@ts-micro/conformance";

describe("on a real nats-server", { skip: nats().skip }, () => {
  brokerConformance("nats", {
    start: () => startNats(),
    create: ({ address }) => newBroker({ addresses: [address] }),
  });
});
