/** Listens in a process of its own: `node listener.js <nats> <subject>`. Says `listening` when it does. */
import { newTransport } from "../src/index.ts";

const [address = "", subject = ""] = process.argv.slice(2);
await newTransport({ addresses: [address] }).listen(subject, () => ({ message() {}, close() {} }));
console.log("listening");
