import { newBroker } from "@ts-micro/broker-mqtt";
import { brokerRecovery, mosquitto, startMosquitto } from "@ts-micro/conformance";

brokerRecovery("mqtt", {
  start: () => startMosquitto(),
  create: ({ impatient, ...setup }) =>
    newBroker({ ...setup, ...(impatient && { keepAliveMs: 300, timeoutMs: 1_000 }) }),
  skip: mosquitto().skip,
  // Mosquitto 2.0.11 writes its state when it ends, without the shared subscriptions.
  end: "stop",
  forgetsQueues: true,
});
