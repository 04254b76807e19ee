import { type ClientHttp2Stream, connect, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { type Answer, answerTo, type Contender } from "../contender.ts";
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from "../hello.ts";

/**
 * The limit of everything that is built on node:http2: streams with gRPC's frames in them, and nothing else. No
 * statuses, deadlines, metadata, messages cut in two or longer than 255 bytes; one path.
 */
export const http2: Contender = {
  async serve() {
    const sessions = new Set<ServerHttp2Session>();
    const server = createServer();
    server.on("session", (session) => sessions.add(session));
    server.on("stream", (stream) => {
      stream.on("data", (chunk: Buffer) => {
        if (!stream.headersSent) {
          stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        }
        stream.write(frame(encodeAnswer(answerTo(decodeQuestion(chunk.subarray(5))))));
      });
      stream.on("end", () => stream.end());
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        for (const session of sessions) session.destroy();
        server.close();
      },
    };
  },

  async connect(address) {
    const session = connect(`http://${address}`);
    const headers = { ":method": "POST", ":path": "/bench.Bench/Hello", te: "trailers" };
    const request = (): ClientHttp2Stream =>
      session.request({ ...headers, "content-type": "application/grpc" });
    return {
      call: (question) =>
        new Promise((resolve) => {
          const stream = request();
          let answer: Answer = { msg: "" };
          stream.on("data", (chunk: Buffer) => {
            answer = decodeAnswer(chunk.subarray(5));
          });
          stream.on("end", () => resolve(answer));
          stream.end(frame(encodeQuestion(question)));
        }),
      async open() {
        const stream = request();
        let take: (answer: Answer) => void = () => {};
        stream.on("data", (chunk: Buffer) => take(decodeAnswer(chunk.subarray(5))));
        return {
          call: (question) =>
            new Promise((resolve) => {
              take = resolve;
              stream.write(frame(encodeQuestion(question)));
            }),
          async close() {
            stream.close();
          },
        };
      },
      async close() {
        session.destroy();
      },
    };
  },
};

function frame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, payload.length]), payload]);
}
