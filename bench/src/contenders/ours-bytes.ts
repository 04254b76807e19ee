import { newClient } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, newServer } from "ts-micro/server";
import type { Answer, Contender } from "../contender.ts";

const contentType = "application/octet-stream";

/** Our default client and server with bodies of bytes: a name, a 0, and the data. */
export const muxBytes: Contender = {
  async serve() {
    const registry = newMemoryRegistry({ addresses: ["bench-bytes-server"] });
    const server = newServer({
      name: "bench",
      address: "127.0.0.1:0",
      drain: { propagationMs: 0 },
      parts: { registry },
    });
    server.handle(
      newHandler("Bench", {
        Hello(body: Uint8Array) {
          const end = body.indexOf(0);
          return joined(`hello ${Buffer.from(body.subarray(0, end)).toString()}`, body.subarray(end + 1));
        },
      }),
    );
    await server.start();
    return { address: server.address, close: () => server.stop() };
  },

  async connect(address) {
    const registry = newMemoryRegistry({ addresses: ["bench-bytes-client"] });
    const node = { id: "bench-1", address, metadata: { protocol: "mucp", protocols: "mucp,mux" } };
    await registry.register({ name: "bench", version: "1", metadata: {}, endpoints: [], nodes: [node] });
    const client = newClient({ parts: { registry }, contentType });
    return {
      async call({ name, data = new Uint8Array(0) }): Promise<Answer> {
        const body = joined(name, data);
        const answer = await client.call<Uint8Array>({ service: "bench", endpoint: "Bench.Hello", body });
        const end = answer.indexOf(0);
        const msg = Buffer.from(answer.subarray(0, end)).toString();
        return end + 1 === answer.length ? { msg } : { msg, data: answer.subarray(end + 1) };
      },
      close: () => client.close(),
    };
  },
};

function joined(name: string, data: string | Uint8Array): Buffer {
  const body = Buffer.allocUnsafe(name.length + 1 + data.length);
  body.write(`${name}\0`, "latin1");
  if (typeof data === "string") body.write(data, name.length + 1, "latin1");
  else body.set(data, name.length + 1);
  return body;
}
