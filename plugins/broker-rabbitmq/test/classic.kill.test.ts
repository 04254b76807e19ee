import { newBroker } from "@ts-micro/broker-rabbitmq";
import { brokerRecovery, rabbitmq, startRabbitmq } from "@ts-micro/conformance";

brokerRecovery("rabbitmq, classic queues", {
  start: () => startRabbitmq(),
  create: ({ impatient, ...setup }) =>
    newBroker({ ...setup, queues: "classic", ...(impatient && { heartbeatMs: 1_000, timeoutMs: 1_000 }) }),
  skip: rabbitmq().skip,
  publishers: 50,
});
