import { newClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, newServer } from "ts-micro/server";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

/** Our default client and server, JSON bodies: many calls on one connection. */
export const mux = ours({ mux: true });

/** The same with `mux: false`: mucp over HTTP/1.1 and a pool of connections, as with go-micro. */
export const mucp = ours({ mux: false });

function ours(options: { mux: boolean }): Contender {
  return {
    async serve() {
      const server = newServer({
        name: "bench",
        address: "127.0.0.1:0",
        drain: { propagationMs: 0 },
        parts: { registry: newMemoryRegistry({ addresses: ["bench-server"] }) },
        ...options,
      });
      server.handle(newHandler("Bench", { Hello: (question: Question) => answerTo(question) }));
      await server.start();
      return { address: server.address, close: () => server.stop() };
    },

    async connect(address) {
      // As a registry that both processes share would have it.
      const registry = newMemoryRegistry({ addresses: ["bench-client"] });
      const metadata = options.mux ? { protocol: "mucp", protocols: "mucp,mux" } : { protocol: "mucp" };
      const node = { id: "bench-1", address, metadata };
      await registry.register({ name: "bench", version: "1", metadata: {}, endpoints: [], nodes: [node] });
      const client = newClient({ parts: { registry }, ...options });
      return {
        call: (body) => client.call<Answer>({ service: "bench", endpoint: "Bench.Hello", body }),
        close: () => client.close(),
      };
    },
  };
}
