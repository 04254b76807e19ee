import { describe } from "node:test";
import { newBroker } from "@ts-micro/broker-kafka";
import { brokerConformance, kafka, startKafka } from "@ts-micro/conformance";

describe("on a real Kafka", { skip: kafka().skip }, () => {
  brokerConformance("kafka", {
    start: () => startKafka(),
    // A topic that is new takes a busy machine more than the usual 5 s.
    create: ({ address }) => newBroker({ addresses: [address], timeoutMs: 15_000 }),
  });
});
