import { describe } from "node:test";
import { newBroker } from "@ts-micro/broker-kafka";
import { brokerConformance, kafka, startKafka } from "@ts-micro/conformance";

describe("on a real Kafka", { skip: kafka().skip }, () => {
  brokerConformance("kafka", {
    start: () => startKafka(),
    create: ({ address }) => newBroker({ addresses: [address] }),
  });
});
