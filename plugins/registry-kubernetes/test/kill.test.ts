/** The API server is killed in mid-traffic, and comes back. */
import { kubernetes, registryRecovery, startKubernetes } from "@ts-micro/conformance";
import { registryOn, startPod } from "./bench.ts";

registryRecovery("kubernetes", {
  skip: kubernetes().skip,
  async start() {
    const server = await startKubernetes();
    // Each registry runs in a pod of its own, which has one node of a service.
    const pods = ["greeter", "caller", "bystander"];
    for (const pod of pods) await startPod(server, pod);
    const options = { timeoutMs: 2_000, watchMs: 5_000 };
    return {
      process: server.process,
      create: (logger) => registryOn(server, pods.shift() ?? "none", { ...options, logger }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  // What it knows is in etcd, which runs on.
  supports: { keepsNodes: false, losesNodes: false },
});
