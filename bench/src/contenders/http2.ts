import { type ClientHttp2Stream, connect, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Contender } from "../contender.ts";
import { decodeHello, encodeHello } from "../hello.ts";

/**
 * The limit of everything that is built on node:http2: streams with gRPC's frames in them, and nothing else. No
 * statuses, deadlines, metadata, messages cut in two; one path.
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
        stream.write(frame(`hello ${textOf(chunk)}`));
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
      call: (name) =>
        new Promise((resolve) => {
          const stream = request();
          let text = "";
          stream.on("data", (chunk: Buffer) => {
            text = textOf(chunk);
          });
          stream.on("end", () => resolve(text));
          stream.end(frame(name));
        }),
      async open() {
        const stream = request();
        let answer: (text: string) => void = () => {};
        stream.on("data", (chunk: Buffer) => answer(textOf(chunk)));
        return {
          call: (name) =>
            new Promise((resolve) => {
              answer = resolve;
              stream.write(frame(name));
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

function frame(text: string): Buffer {
  const payload = encodeHello(text);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, payload.length]), payload]);
}

function textOf(bytes: Buffer): string {
  return decodeHello(bytes.subarray(5));
}
