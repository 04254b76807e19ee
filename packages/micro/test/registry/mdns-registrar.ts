/**
 * A process of its own that keeps one node registered: `node mdns-registrar.js <port> <service> <node id> <label>`.
 * Says `registered` when it is, and deregisters when its stdin ends.
 */
import { newMdnsRegistry } from "../../src/registry/mdns.ts";

const [port = "", name = "", id = "", label = ""] = process.argv.slice(2);
const registry = newMdnsRegistry({ port: Number(port) });
const nodes = [{ id, address: "127.0.0.1:8080", metadata: { label } }];
await registry.register({ name, version: "latest", metadata: {}, endpoints: [], nodes });
console.log("registered");
process.stdin.on("end", () => void registry.close()).resume();
