import { newBroker } from "@ts-micro/broker-service";
import { brokerConformance } from "@ts-micro/conformance";
import { startBrokerService } from "./broker-service.ts";

brokerConformance("service", {
  start: () => startBrokerService(),
  create: ({ address }) => newBroker({ addresses: [address] }),
});
