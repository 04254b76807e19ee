/** etcd is killed in mid-traffic, and comes back with its data or without. */
import { etcd, registryRecovery, startEtcd } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";

registryRecovery("etcd", {
  skip: etcd().skip,
  async start() {
    const process = await startEtcd();
    const options = { addresses: [process.address], timeoutMs: 2_000, graceMs: 4_000 };
    return {
      process,
      create: (logger) => newRegistry({ ...options, logger }),
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  },
});
