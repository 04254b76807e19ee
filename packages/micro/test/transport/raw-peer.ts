import { connect, createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "../../src/address.ts";

/** The other end of a connection as bytes, to see what is really written. Texts are latin1. */
export class RawPeer {
  readonly socket: Socket;
  received = "";
  /** Resolves when the other end sends no more. */
  readonly ended: Promise<void>;
  /** Resolves when the connection is gone, with the error if there was one. */
  readonly closed: Promise<Error | undefined>;
  #look: (() => void)[] = [];

  static dial(address: string): RawPeer {
    const { host, port = 0 } = parseAddress(address);
    return new RawPeer(connect({ host, port, allowHalfOpen: true }));
  }

  constructor(socket: Socket) {
    this.socket = socket;
    let failure: Error | undefined;
    this.ended = new Promise((resolve) => socket.once("end", resolve));
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(failure)));
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      for (const look of this.#look.splice(0)) look();
    });
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves once all of `text` has arrived, counted from what was taken last, and takes it. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at !== -1) {
        const taken = this.received.slice(0, at + text.length);
        this.received = this.received.slice(at + text.length);
        return taken;
      }
      await new Promise<void>((resolve) => this.#look.push(resolve));
    }
  }
}

/** A server made of bytes, on a free port. */
export async function rawServer(
  onConnection: (peer: RawPeer) => void,
): Promise<{ address: string; server: Server; close(): void }> {
  const peers: RawPeer[] = [];
  const server = createServer((socket) => {
    const peer = new RawPeer(socket);
    peers.push(peer);
    onConnection(peer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (typeof bound !== "object" || bound === null) throw new Error("no address");
  const close = (): void => {
    server.close();
    for (const { socket } of peers) socket.destroy();
  };
  return { address: `127.0.0.1:${bound.port}`, server, close };
}
