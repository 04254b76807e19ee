import { randomUUID } from "node:crypto";
import { newMemoryStore } from "ts-micro/store";
import { storeConformance } from "../src/index.ts";

const hub = randomUUID();

storeConformance("memory", {
  create: (_, options) => newMemoryStore({ ...options, addresses: [hub] }),
  supports: { survivesClose: false },
});
