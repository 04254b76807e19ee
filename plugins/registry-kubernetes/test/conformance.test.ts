import { describe } from "node:test";
import { kubernetes, registryConformance, startKubernetes } from "@ts-micro/conformance";
import { registryOn, startPod } from "./bench.ts";

/** More than the suite makes registries, each of which runs in a pod of its own. */
const podCount = 250;

describe("on a real API server", { skip: kubernetes().skip }, () => {
  let used = 0;
  registryConformance("kubernetes", {
    async start() {
      const server = await startKubernetes();
      const names = Array.from({ length: podCount }, (_, index) => `pod-${index}`);
      for (const name of names) await startPod(server, name);
      return server;
    },
    create: (server) => registryOn(server, `pod-${used++}`),
    supports: { ttlMs: undefined },
  });
});
