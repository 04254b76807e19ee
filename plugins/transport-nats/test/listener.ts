/** Listens in a process of its own: `node listener.js <nats> <subject>`. Says `listening` when it does. */
import type { Duplex } from "node:stream";
import { newTransport } from "../src/index.ts";
import { alpn } from "./streams.ts";

const [address = "", subject = ""] = process.argv.slice(2);
const serve = (stream: Duplex): void => void stream.on("error", () => {}).resume();
const protocols = [{ name: "test", alpn, matches: () => true, serve }];
await newTransport({ addresses: [address] }).listen(subject, () => ({ message() {}, close() {} }), {
  protocols,
});
console.log("listening");
