import { describe } from "node:test";
import { consul, registryConformance, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";

describe("on a real Consul", { skip: consul().skip }, () => {
  registryConformance("consul", {
    start: () => startConsul(),
    create: ({ address }) => newRegistry({ addresses: [address] }),
    supports: { ttlMs: 1_000, serviceMetadata: false },
  });
});
