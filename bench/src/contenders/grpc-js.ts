import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import type { Contender } from "../contender.ts";
import { decodeHello, encodeHello } from "../hello.ts";

const codec = {
  requestSerialize: encodeHello,
  requestDeserialize: decodeHello,
  responseSerialize: encodeHello,
  responseDeserialize: decodeHello,
};
const hello = { path: "/bench.Bench/Hello", requestStream: false, responseStream: false, ...codec };
const hellos = { path: "/bench.Bench/Hellos", requestStream: true, responseStream: true, ...codec };

/** The reference implementation of gRPC for Node. */
export const grpcJs: Contender = {
  async serve() {
    const server = new Server();
    const unary: handleUnaryCall<string, string> = (call, answer) => answer(null, `hello ${call.request}`);
    const bidi: handleBidiStreamingCall<string, string> = (call) => {
      call.on("data", (name: string) => call.write(`hello ${name}`));
      call.on("end", () => call.end());
    };
    server.addService({ Hello: hello, Hellos: hellos }, { Hello: unary, Hellos: bidi });
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
      call: (name) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(hello.path, encodeHello, decodeHello, name, (error, msg) =>
            error === null ? resolve(msg as string) : reject(error),
          );
        }),
      async open() {
        const call = client.makeBidiStreamRequest(hellos.path, encodeHello, decodeHello);
        call.on("error", () => {});
        return {
          call: (name) =>
            new Promise((resolve) => {
              call.once("data", resolve);
              call.write(name);
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
