import { newClient } from "@ts-micro/client-grpc";
import { newServer } from "@ts-micro/server-grpc";
import type { MessageType } from "ts-micro";
import { newMemoryRegistry } from "ts-micro/registry";
import { newHandler, stream } from "ts-micro/server";
import { type Answer, answerTo, type Contender, itemsFor, type Question } from "../contender.ts";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "../hello.ts";

const requestType: MessageType<Question> = { encode: encodeQuestion, decode: decodeQuestion };
const responseType: MessageType<Answer> = { encode: encodeAnswer, decode: decodeAnswer };
const handlerTypes = { requestType, responseType } as {
  requestType: MessageType;
  responseType: MessageType;
};

/** Our gRPC plugins. */
export const grpc: Contender = {
  async serve() {
    const server = newServer({
      name: "bench",
      address: "127.0.0.1:0",
      drain: { propagationMs: 0 },
      parts: { registry: newMemoryRegistry({ addresses: ["bench-server"] }) },
    });
    const methods = {
      Hello: (question: Question) => answerTo(question),
      Hellos: stream(async function* (questions: AsyncIterable<Question>) {
        for await (const question of questions) yield answerTo(question);
      }),
      Items: stream(async function* (questions: AsyncIterable<Question>) {
        for await (const question of questions) yield* itemsFor(question);
      }),
    };
    server.handle(
      newHandler("Bench", methods, {
        endpoints: { Hello: handlerTypes, Hellos: handlerTypes, Items: handlerTypes },
      }),
    );
    await server.start();
    return { address: server.address, close: () => server.stop() };
  },

  async connect(address) {
    const client = newClient();
    const target = { service: "bench", addresses: [address], requestType, responseType };
    return {
      call: (question) =>
        client.call<Answer, Question>({ ...target, endpoint: "Bench.Hello", body: question }),
      async *items(question) {
        const opened = await client.stream<Answer, Question>({ ...target, endpoint: "Bench.Items" });
        await opened.send(question);
        await opened.end();
        yield* opened;
      },
      async open() {
        const opened = await client.stream<Answer, Question>({ ...target, endpoint: "Bench.Hellos" });
        const answers = opened[Symbol.asyncIterator]();
        return {
          async call(question) {
            await opened.send(question);
            return (await answers.next()).value;
          },
          close: () => opened.close(),
        };
      },
      close: () => client.close(),
    };
  },
};
