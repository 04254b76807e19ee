/**
 * A process of its own that subscribes: `node http-subscriber.js <mdns port> <topic> <queue or -> <listen>`.
 * Says `ready` and its address, then each message; disconnects when its stdin ends.
 */
import { newHttpBroker } from "../../src/broker/http.ts";
import { newMdnsRegistry } from "../../src/registry/mdns.ts";

const [port = "", topic = "", queue = "-", listen = ""] = process.argv.slice(2);
const registry = newMdnsRegistry({ port: Number(port) });
const broker = newHttpBroker({ listen, parts: { registry } });
await broker.connect();
const options = queue === "-" ? {} : { queue };
await broker.subscribe(topic, ({ message }) => console.log(`got ${message.body}`), options);
console.log(`ready ${broker.address}`);
process.stdin.on("end", async () => {
  await broker.disconnect();
  await registry.close();
});
process.stdin.resume();
