import { newClient } from "@ts-micro/client-brpc";
import { newServer } from "@ts-micro/server-brpc";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler } from "ts-micro/server";
import { answerTo, type Contender } from "../contender.ts";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "../hello.ts";

/** Our plugins for Apache bRPC: baidu_std, protobuf bodies. */
export const brpc: Contender = {
  async serve() {
    const server = newServer({
      name: "bench",
      address: "127.0.0.1:0",
      drain: { propagationMs: 0 },
      parts: { registry: newMemoryRegistry({ addresses: ["bench-server"] }) },
    });
    const hello = (question: Uint8Array): Uint8Array => encodeAnswer(answerTo(decodeQuestion(question)));
    server.handle(newHandler("Bench", { Hello: hello }));
    await server.start();
    return { address: server.address, close: () => server.stop() };
  },

  async connect(address) {
    const client = newClient();
    const target = { service: "bench", endpoint: "Bench.Hello", addresses: [address] };
    return {
      call: async (question) =>
        decodeAnswer(await client.call<Uint8Array>({ ...target, body: encodeQuestion(question) })),
      close: () => client.close(),
    };
  },
};
