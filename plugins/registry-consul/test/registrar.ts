/** A service of its own process: `node registrar.js <consul> <name>`. Says `started` when it is. */
import { newService } from "ts-micro";
import { newRegistry } from "../src/index.ts";

const [address = "", name = ""] = process.argv.slice(2);
const service = newService({
  name,
  registry: newRegistry({ addresses: [address] }),
  partOptions: { server: { address: "127.0.0.1:0", registerTtlMs: 2_000, registerIntervalMs: 500 } },
});
await service.start();
console.log("started");
