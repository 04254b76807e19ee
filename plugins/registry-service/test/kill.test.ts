/** The registry's service is killed in mid-traffic, and comes back without what it knew. */
import { fileURLToPath } from "node:url";
import { registryRecovery, startServerProcess } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-service";

const program = fileURLToPath(new URL("registry-process.js", import.meta.url));

registryRecovery("service", {
  async start() {
    const server = await startServerProcess({
      path: process.execPath,
      ports: 1,
      args: ([port]) => [program, `127.0.0.1:${port}`],
      async probe(address) {
        await using registry = newRegistry({ addresses: [address], timeoutMs: 1_000 });
        return await registry.listServices();
      },
    });
    const options = { addresses: [server.address], timeoutMs: 2_000, graceMs: 4_000 };
    return {
      process: server,
      create: (logger) => newRegistry({ ...options, logger }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  supports: { keepsNodes: false },
});
