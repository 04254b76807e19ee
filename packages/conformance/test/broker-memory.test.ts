import { randomUUID } from "node:crypto";
import { newLogger } from "ts-micro";
import { newMemoryBroker } from "ts-micro/broker";
import { brokerConformance } from "../src/index.ts";

const hub = randomUUID();
const logger = newLogger({ write: () => {} });

brokerConformance("memory", { create: () => newMemoryBroker({ addresses: [hub], logger }) });
