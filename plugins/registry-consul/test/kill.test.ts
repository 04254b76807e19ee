/** Consul is killed in mid-traffic, and comes back with its data or without. */
import { consul, registryRecovery, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";

registryRecovery("consul", {
  skip: consul().skip,
  // It runs out while Consul is dead.
  registerTtlMs: 5_000,
  async start() {
    const process = await startConsul();
    const options = { addresses: [process.address], timeoutMs: 2_000, graceMs: 8_000 };
    return {
      process,
      create: (logger) => newRegistry({ ...options, logger }),
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  },
});
