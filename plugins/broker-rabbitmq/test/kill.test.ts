import { newBroker } from "@ts-micro/broker-rabbitmq";
import { brokerRecovery, rabbitmq, startRabbitmq } from "@ts-micro/conformance";

brokerRecovery("rabbitmq, quorum queues", {
  start: () => startRabbitmq(),
  create: ({ impatient, ...setup }) =>
    newBroker({ ...setup, ...(impatient && { heartbeatMs: 1_000, timeoutMs: 1_000 }) }),
  skip: rabbitmq().skip,
  publishers: 50,
  // RabbitMQ loses a quorum queue that is less than a second old (docs/decisions/0541-rabbitmq-new-queues.md).
  restartsFirst: true,
});
