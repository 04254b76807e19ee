import { newBroker } from "@ts-micro/broker-kafka";
import { brokerRecovery, kafka, startKafka } from "@ts-micro/conformance";

brokerRecovery("kafka", {
  start: (advertised) => startKafka({ ...(advertised !== undefined && { advertised }) }),
  create: ({ impatient, ...setup }) =>
    newBroker({
      ...setup,
      pingIntervalMs: 1_000,
      ...(impatient && { pingIntervalMs: 500, timeoutMs: 2_000 }),
    }),
  skip: kafka().skip,
  advertises: true,
});
