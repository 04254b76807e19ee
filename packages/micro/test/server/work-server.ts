/** A server as a process of its own: its arguments are its name and the propagation delay. */
import { setTimeout as sleep } from "node:timers/promises";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";

const [name = "", propagationMs] = process.argv.slice(2);
const server = newServer({ name, address: "127.0.0.1:0", drain: { propagationMs: Number(propagationMs) } });
server.handle(
  newHandler("Work", {
    Do: async ({ ms }: { ms: number }) => {
      await sleep(ms);
      return { pid: process.pid };
    },
  }),
);
process.once("SIGTERM", () => void server.stop());
await server.start();
console.log("up");
