import { createServer, type Server, type Socket } from "node:net";
import {
  decodeMeta,
  encodeFrame,
  FrameReader,
  RpcMeta,
  RpcResponseMeta,
  splitBody,
} from "@ts-micro/brpc-wire";

export interface Question {
  readonly meta: RpcMeta;
  readonly payload: Buffer;
  readonly attachment: Buffer;
  /** Counted from 0 in the order in which they were accepted. */
  readonly connection: number;
  readonly socket: Socket;
}

/** A bRPC server that does with each request what a test says, over real sockets. */
export class ScriptedServer {
  /** Accepted so far. */
  connections = 0;
  readonly open = new Set<Socket>();
  readonly #server: Server;
  #address = "";

  constructor(script: (question: Question) => void) {
    this.#server = createServer((socket) => {
      const connection = this.connections++;
      this.open.add(socket);
      const reader = new FrameReader({ maxBodyBytes: 64 << 20 });
      socket.on("data", (chunk: Buffer) =>
        reader.read(chunk, (frame) => {
          const meta = decodeMeta(frame.meta);
          const { payload, attachment } = splitBody(frame, meta) ?? {
            payload: frame.body,
            attachment: frame.body,
          };
          script({ meta, payload, attachment, connection, socket });
        }),
      );
      socket.on("error", () => {});
      socket.on("close", () => this.open.delete(socket));
    });
  }

  /** `host:port`, also after it was closed. */
  get address(): string {
    return this.#address;
  }

  /** Listens on a free port, or again on the one that it had. */
  async listen(): Promise<this> {
    const port = this.#address === "" ? 0 : Number(this.#address.split(":")[1]);
    await new Promise<void>((resolve, reject) => {
      const retry = (error: NodeJS.ErrnoException): void => {
        // Somebody's connection may have the port for a moment.
        if (error.code === "EADDRINUSE") setTimeout(() => this.#server.listen(port, "127.0.0.1"), 50);
        else reject(error);
      };
      this.#server.on("error", retry);
      this.#server.once("listening", () => {
        this.#server.off("error", retry);
        resolve();
      });
      this.#server.listen(port, "127.0.0.1");
    });
    const bound = this.#server.address();
    if (typeof bound === "object" && bound !== null) this.#address = `127.0.0.1:${bound.port}`;
    return this;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.open) socket.destroy();
    await closed;
  }
}

/** A response to `question`; `change` may make it any other. */
export function responseTo(
  question: Question,
  payload: Uint8Array,
  change?: (meta: RpcMeta) => void,
): Buffer {
  const meta = new RpcMeta();
  meta.response = new RpcResponseMeta();
  meta.response.errorCode = 0;
  meta.correlationId = question.meta.correlationId;
  meta.contentType = question.meta.contentType;
  change?.(meta);
  return encodeFrame(meta, payload);
}

/** Answers with the request's own payload. */
export function echo(question: Question): void {
  question.socket.write(responseTo(question, question.payload));
}
