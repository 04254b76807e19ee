import { newClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, newServer } from "ts-micro/server";
import type { Contender } from "../contender.ts";

/** Our default client and server: mucp over HTTP/1.1, JSON bodies, a pool of connections. */
export const mucp: Contender = {
  async serve() {
    const registry = newMemoryRegistry({ addresses: ["bench"] });
    const server = newServer({
      name: "bench",
      address: "127.0.0.1:0",
      drain: { propagationMs: 0 },
      parts: { registry },
    });
    server.handle(
      newHandler("Bench", { Hello: (request: { name: string }) => ({ msg: `hello ${request.name}` }) }),
    );
    await server.start();
    return { address: server.address, close: () => server.stop() };
  },

  async connect(address) {
    const client = newClient();
    return {
      async call(name) {
        const reply = await client.call<{ msg: string }>({
          service: "bench",
          endpoint: "Bench.Hello",
          addresses: [address],
          body: { name },
        });
        return reply.msg;
      },
      close: () => client.close(),
    };
  },
};
