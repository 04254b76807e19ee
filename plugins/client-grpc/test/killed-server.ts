/** A server for kill.test.ts: `killed-server.js <address>` says where it listens, and answers until it is killed. */
import { newServer } from "@ts-micro/server-grpc";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler } from "ts-micro/server";

const server = newServer({
  name: "client-grpc.test.killed",
  address: process.argv[2] ?? "127.0.0.1:0",
  parts: { registry: newMemoryRegistry({ addresses: ["killed"] }) },
});
server.handle(
  newHandler("Test", {
    Echo: async (request: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return request;
    },
  }),
);
await server.start();
process.send?.(server.address);
// Nobody needs it when the test has gone.
process.on("disconnect", () => process.exit());
