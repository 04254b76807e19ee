import { newLogger } from "ts-micro";
import { newHttpTransport, newMemoryTransport } from "ts-micro/transport";
import { certificate, tlsFixture } from "../src/tls-fixture.ts";
import { transportConformance } from "../src/transport.ts";

const logger = newLogger({ level: "fatal" });

transportConformance("http", {
  create: (options) => newHttpTransport({ ...options, logger }),
});

transportConformance("http with mutual TLS", {
  create: (options) => {
    // One certificate serves both ends here: the server's own is signed by the same authority.
    const tls = { ...tlsFixture("server"), ca: certificate("ca") };
    return newHttpTransport({ ...options, logger, tls });
  },
});

transportConformance("memory", {
  create: (options) => newMemoryTransport({ ...options, addresses: ["transport conformance"] }),
});
