import { randomUUID } from "node:crypto";
import { newLogger } from "ts-micro";
import { newHttpBroker } from "ts-micro/broker";
import { newMemoryRegistry } from "ts-micro/registry";
import { brokerConformance, certificate, tlsFixture } from "../src/index.ts";

const logger = newLogger({ write: () => {} });
const parts = { registry: newMemoryRegistry({ addresses: [randomUUID()] }) };

brokerConformance("http", { create: () => newHttpBroker({ parts, logger }) });

// As towards go-micro, and towards a process that knows no mux or was told not to use it.
brokerConformance("http without mux", { create: () => newHttpBroker({ parts, logger, mux: false }) });

let made = 0;
brokerConformance("http with and without mux", {
  create: () => newHttpBroker({ parts, logger, mux: made++ % 2 === 0 }),
});

const tls = { ca: certificate("ca"), ...tlsFixture("server") };
brokerConformance("http with TLS", { create: () => newHttpBroker({ parts, logger, tls }) });
