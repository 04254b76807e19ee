import { after, before, describe } from "node:test";
import {
  clientServerConformance,
  nats,
  type ServerProcess,
  startNats,
  transportConformance,
} from "@ts-micro/conformance";
import { newTransport } from "@ts-micro/transport-nats";
import { newClient } from "ts-micro/client";
import { newServer } from "ts-micro/server";

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

describe("calls on a real nats-server", { skip: nats().skip }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());
  // Between two of ours: with all calls on one connection, and as with go-micro.
  for (const mux of [true, false]) {
    clientServerConformance(mux ? "mux over nats" : "mucp over nats", {
      newClient: (options) => newClient({ ...options, mux }),
      newServer: (options) => newServer({ ...options, mux }),
      newTransport: () => newTransport({ addresses: [server.address] }),
      address: ":0",
      // Callers have a subject.
      peer: /^_INBOX\.\w+\.[\w-]+$/,
    });
  }
});
