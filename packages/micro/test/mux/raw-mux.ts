import { connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { parseAddress } from "../../src/address.ts";

/** The other end of a connection, at which a test writes and reads the protocol by hand. */
export class RawMux {
  readonly socket: Socket;
  #text = "";
  #closed = false;
  #changed = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (text: string) => {
      this.#text += text;
      this.#changed();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#changed();
    });
  }

  /** Dials a server and says the preface. */
  static dial(context: TestContext, address: string): RawMux {
    const { host, port } = parseAddress(address);
    const raw = new RawMux(connect({ host, port: port as number }));
    context.after(() => raw.socket.destroy());
    raw.write("ts-micro-mux/1\n");
    return raw;
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** The next line, without its end. Rejects when the connection is closed before. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#closed) throw new Error("the connection was closed");
      await this.#change();
    }
  }

  async closed(): Promise<void> {
    while (!this.#closed) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/** A listener whose connections a test answers by hand. */
export async function rawMuxServer(
  context: TestContext,
): Promise<{ address: string; accepted: () => Promise<RawMux> }> {
  const waiting: RawMux[] = [];
  let arrived = (): void => {};
  const server = createServer((socket) => {
    waiting.push(new RawMux(socket));
    arrived();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    for (const each of waiting) each.socket.destroy();
    server.close();
  });
  const bound = server.address() as { port: number };
  let taken = 0;
  return {
    address: `127.0.0.1:${bound.port}`,
    async accepted() {
      while (waiting.length <= taken) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
      return waiting[taken++] as RawMux;
    },
  };
}
