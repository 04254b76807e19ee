import { after, before, describe } from "node:test";
import { newBroker } from "@ts-micro/broker-mqtt";
import { brokerConformance, mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";

describe("on a real mosquitto", { skip: mosquitto().skip }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startMosquitto();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const qos of [0, 1, 2] as const) {
    for (const protocolVersion of [4, 5] as const) {
      brokerConformance(`mqtt ${protocolVersion === 5 ? "5" : "3.1.1"}, QoS ${qos}`, {
        create: () => newBroker({ addresses: [server.address], qos, protocolVersion }),
      });
    }
  }
});
