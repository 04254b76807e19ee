/** A node of its own process: `node registrar.js <nats> <service>`. Says `registered` when it is. */
import { newRegistry } from "../src/index.ts";
import { greeter } from "./greeter.ts";

const [address = "", name = ""] = process.argv.slice(2);
await newRegistry({ addresses: [address] }).register(greeter(name, "other"));
console.log("registered");
