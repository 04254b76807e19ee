import { type ClientOptions, newClient } from "ts-micro/client";
import { newServer, type ServerOptions } from "ts-micro/server";
import { newHttpTransport, newMemoryTransport } from "ts-micro/transport";
import { clientServerConformance } from "../src/client-server.ts";
import { certificate, tlsFixture } from "../src/tls-fixture.ts";

const contentTypes = {
  "application/json-rpc": { name: "John" },
  "application/protobuf": Buffer.from([1, 2, 3]),
  "application/proto-rpc": Buffer.from([0, 255]),
  "application/octet-stream": Buffer.from("bytes"),
};

/** The default pair without the protocol that ts-micro's own processes prefer. */
const mucpAlone = {
  newClient: (options: ClientOptions) => newClient({ ...options, mux: false }),
  newServer: (options: ServerOptions) => newServer({ ...options, mux: false }),
};

const overTls = () => newHttpTransport({ tls: { ...tlsFixture("server"), ca: certificate("ca") } });

clientServerConformance("mucp over http", {
  ...mucpAlone,
  newTransport: () => newHttpTransport(),
  contentTypes,
});

clientServerConformance("mucp over http with TLS", { ...mucpAlone, newTransport: overTls });

clientServerConformance("mux", {
  newClient,
  newServer,
  newTransport: () => newHttpTransport(),
  contentTypes,
});

clientServerConformance("mux with TLS", { newClient, newServer, newTransport: overTls });

clientServerConformance("mucp over memory", {
  newClient,
  newServer,
  newTransport: (hub) => newMemoryTransport({ addresses: [hub] }),
  contentTypes,
});
