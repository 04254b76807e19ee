import { newClient } from "@ts-micro/client-grpc";
import { newServer } from "@ts-micro/server-grpc";
import type { MessageType } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, stream } from "ts-micro/server";
import type { Contender } from "../contender.ts";
import { decodeHello, encodeHello } from "../hello.ts";

const type: MessageType<string> = { encode: encodeHello, decode: decodeHello };
const types = { requestType: type, responseType: type };
const handlerTypes = types as { requestType: MessageType; responseType: MessageType };

/** Our gRPC plugins. */
export const grpc: Contender = {
  async serve() {
    const registry = newMemoryRegistry({ addresses: ["bench"] });
    const server = newServer({
      name: "bench",
      address: "127.0.0.1:0",
      drain: { propagationMs: 0 },
      parts: { registry },
    });
    const methods = {
      Hello: (name: string) => `hello ${name}`,
      Hellos: stream(async function* (names: AsyncIterable<string>) {
        for await (const name of names) yield `hello ${name}`;
      }),
    };
    server.handle(newHandler("Bench", methods, { endpoints: { Hello: handlerTypes, Hellos: handlerTypes } }));
    await server.start();
    return { address: server.address, close: () => server.stop() };
  },

  async connect(address) {
    const client = newClient();
    const target = { service: "bench", addresses: [address], ...types };
    return {
      call: (name) => client.call<string>({ ...target, endpoint: "Bench.Hello", body: name }),
      async open() {
        const opened = await client.stream<string>({ ...target, endpoint: "Bench.Hellos" });
        const answers = opened[Symbol.asyncIterator]();
        return {
          async call(name) {
            await opened.send(name);
            return (await answers.next()).value;
          },
          close: () => opened.close(),
        };
      },
      close: () => client.close(),
    };
  },
};
