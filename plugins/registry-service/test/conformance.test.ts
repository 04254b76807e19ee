import { registryConformance } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-service";
import { startRegistryService } from "./registry-service.ts";

registryConformance("service", {
  start: () => startRegistryService(),
  create: ({ address }) => newRegistry({ addresses: [address] }),
  supports: { ttlMs: 1_000 },
});
