import { once } from "node:events";
import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { type Answer, answerTo, type Contender, itemsFor, type Question } from "../contender.ts";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "../hello.ts";

const codec = {
  requestSerialize: encodeQuestion,
  requestDeserialize: decodeQuestion,
  responseSerialize: encodeAnswer,
  responseDeserialize: decodeAnswer,
};
const hello = { path: "/bench.Bench/Hello", requestStream: false, responseStream: false, ...codec };
const hellos = { path: "/bench.Bench/Hellos", requestStream: true, responseStream: true, ...codec };
const items = { path: "/bench.Bench/Items", requestStream: false, responseStream: true, ...codec };

/** The reference implementation of gRPC for Node. */
export const grpcJs: Contender = {
  async serve() {
    const server = new Server();
    const unary: handleUnaryCall<Question, Answer> = (call, answer) => answer(null, answerTo(call.request));
    const bidi: handleBidiStreamingCall<Question, Answer> = (call) => {
      call.on("data", (question: Question) => call.write(answerTo(question)));
      call.on("end", () => call.end());
    };
    const streaming: handleServerStreamingCall<Question, Answer> = async (call) => {
      for (const answer of itemsFor(call.request)) if (!call.write(answer)) await once(call, "drain");
      call.end();
    };
    const service = { Hello: hello, Hellos: hellos, Items: items };
    server.addService(service, { Hello: unary, Hellos: bidi, Items: streaming });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    return {
      address: `127.0.0.1:${port}`,
      async close() {
        server.forceShutdown();
      },
    };
  },

  async connect(address) {
    const client = new Client(address, credentials.createInsecure());
    return {
      call: (question) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(hello.path, encodeQuestion, decodeAnswer, question, (error, answer) =>
            error === null ? resolve(answer as Answer) : reject(error),
          );
        }),
      items: (question) => client.makeServerStreamRequest(items.path, encodeQuestion, decodeAnswer, question),
      async open() {
        const call = client.makeBidiStreamRequest(hellos.path, encodeQuestion, decodeAnswer);
        call.on("error", () => {});
        return {
          call: (question) =>
            new Promise((resolve) => {
              call.once("data", resolve);
              call.write(question);
            }),
          async close() {
            call.cancel();
          },
        };
      },
      async close() {
        client.close();
      },
    };
  },
};
