import { describe } from "node:test";
import { nats, type ServerProcess, startNats, transportConformance } from "@ts-micro/conformance";
import { newTransport } from "@ts-micro/transport-nats";

describe("on a real nats-server", { skip: nats().skip }, () => {
  let server: ServerProcess;
  transportConformance("nats", {
    start: async () => {
      server = await startNats();
    },
    stop: async () => server[Symbol.asyncDispose](),
    create: (options) => newTransport({ ...options, addresses: [server.address] }),
    skip: {
      "on an address that is none fails with 500 and the address": "an address is a subject, any word is one",
      "on a range of ports takes the first free one": "an address is a subject, there are no ports",
    },
  });
});
