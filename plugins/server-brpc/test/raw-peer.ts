import { connect, type Socket } from "node:net";
import { decodeMeta, type Frame, FrameReader, type RpcMeta } from "@ts-micro/brpc-wire";

export interface Received extends Frame {
  /** Decoded. */
  readonly rpc: RpcMeta;
  /** The whole frame, as hexadecimal text. */
  readonly hex: string;
}

/** A caller made of bytes. */
export class RawPeer {
  readonly socket: Socket;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #frames: Received[] = [];
  #waiting: (() => void)[] = [];
  #gone = false;

  constructor(address: string) {
    const [host = "", port = ""] = address.split(":");
    this.socket = connect({ host, port: Number(port) });
    const reader = new FrameReader({ maxBodyBytes: 64 << 20 });
    this.socket.on("data", (chunk: Buffer) =>
      reader.read(chunk, ({ meta, body }) => {
        const header = Buffer.alloc(12);
        header.write("PRPC");
        header.writeUInt32BE(meta.length + body.length, 4);
        header.writeUInt32BE(meta.length, 8);
        const hex = Buffer.concat([header, meta, body]).toString("hex");
        this.#frames.push({ meta, body, rpc: decodeMeta(meta), hex });
        this.#wake();
      }),
    );
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) =>
      this.socket.once("close", () => {
        this.#gone = true;
        this.#wake();
        resolve();
      }),
    );
  }

  write(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "hex") : bytes);
  }

  /** The next frame. Rejects when the connection is gone without one. */
  async next(): Promise<Received> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#gone) throw new Error("the connection was closed");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
