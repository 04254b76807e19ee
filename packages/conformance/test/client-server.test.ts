import { newClient } from "ts-micro/client";
import { newServer } from "ts-micro/server";
import { newHttpTransport, newMemoryTransport } from "ts-micro/transport";
import { clientServerConformance } from "../src/client-server.ts";
import { certificate, tlsFixture } from "../src/tls-fixture.ts";

const contentTypes = {
  "application/json-rpc": { name: "John" },
  "application/protobuf": Buffer.from([1, 2, 3]),
  "application/proto-rpc": Buffer.from([0, 255]),
  "application/octet-stream": Buffer.from("bytes"),
};

clientServerConformance("mucp over http", {
  newClient,
  newServer,
  newTransport: () => newHttpTransport(),
  contentTypes,
});

clientServerConformance("mucp over http with TLS", {
  newClient,
  newServer,
  newTransport: () => newHttpTransport({ tls: { ...tlsFixture("server"), ca: certificate("ca") } }),
});

clientServerConformance("mucp over memory", {
  newClient,
  newServer,
  newTransport: (hub) => newMemoryTransport({ addresses: [hub] }),
  contentTypes,
});
