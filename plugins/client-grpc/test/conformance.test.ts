import { certificate, clientServerConformance, tlsFixture } from "@ts-micro/conformance";
import { newServer } from "@ts-micro/server-grpc";
import { newClient } from "../src/index.ts";

const contentTypes = {
  "application/grpc": Buffer.from([1, 2, 3]),
  "application/grpc+proto": Buffer.from([0, 255]),
  "application/protobuf": Buffer.from([8, 1]),
  "application/octet-stream": Buffer.from([8, 1]),
  "application/grpc+bytes": Buffer.from("bytes"),
  "application/grpc+json": { name: "John" },
};

/** In gRPC a call is a stream with one message each way, and looks no different. */
const supports = { streamsAreMarked: false };

clientServerConformance("grpc", { newClient, newServer, contentTypes, supports });

const tls = { ...tlsFixture("server"), ca: certificate("ca") };

clientServerConformance("grpc with TLS", {
  newClient: (options) => newClient({ tls, ...options }),
  newServer: (options) => newServer({ tls, ...options }),
  contentTypes,
  supports,
});
