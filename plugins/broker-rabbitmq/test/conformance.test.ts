import { after, before, describe } from "node:test";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { brokerConformance, rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";

describe("on a real rabbitmq-server", { skip: rabbitmq().skip }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startRabbitmq();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const queues of ["quorum", "classic", "go-micro"] as const) {
    // A queue of go-micro's serves one topic, and the suite's tests follow each other.
    const exchange = `conformance-${queues}`;
    brokerConformance(`rabbitmq, ${queues}`, {
      create: () => newBroker({ addresses: [server.address], queues, exchange }),
    });
  }
});
