import { newClient } from "@ts-micro/client-brpc";
import { certificate, clientServerConformance, tlsFixture } from "@ts-micro/conformance";
import { newServer } from "../src/index.ts";

const contentTypes = {
  "application/protobuf": Buffer.from([1, 2, 3]),
  "application/octet-stream": Buffer.from("bytes"),
};

// On a shared connection nothing tells the server that a caller gave up; baidu_std has no such message.
clientServerConformance("brpc, single connections", {
  newClient,
  newServer,
  supports: { streams: false, cancellation: false },
  contentTypes,
});

clientServerConformance("brpc, pooled connections", {
  newClient: (options) => newClient({ ...options, connectionType: "pooled" }),
  newServer,
  supports: { streams: false },
});

clientServerConformance("brpc, short connections", {
  newClient: (options) => newClient({ ...options, connectionType: "short" }),
  newServer,
  supports: { streams: false },
});

clientServerConformance("brpc with TLS, snappy and checksums", {
  newClient: (options) =>
    newClient({ ...options, tls: { ca: certificate("ca") }, compression: "snappy", checksum: "crc32c" }),
  newServer: (options) => newServer({ ...options, tls: tlsFixture("server") }),
  supports: { streams: false, cancellation: false },
});
