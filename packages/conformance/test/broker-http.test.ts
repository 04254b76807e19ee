import { randomUUID } from "node:crypto";
import { newLogger } from "ts-micro";
import { newHttpBroker } from "ts-micro/broker";
import { newMemoryRegistry } from "ts-micro/registry";
import { brokerConformance, certificate, tlsFixture } from "../src/index.ts";

const logger = newLogger({ write: () => {} });
const parts = { registry: newMemoryRegistry({ addresses: [randomUUID()] }) };

brokerConformance("http", { create: () => newHttpBroker({ parts, logger }) });

const tls = { ca: certificate("ca"), ...tlsFixture("server") };
brokerConformance("http with TLS", { create: () => newHttpBroker({ parts, logger, tls }) });
