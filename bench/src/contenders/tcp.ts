import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Serving } from "../contender.ts";

/** Serves each connection with `accept`. */
export async function serveTcp(accept: (socket: Socket) => void): Promise<Serving> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function connectTcp(address: string): Promise<Socket> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect({ host, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/** Gives what was added in one turn of the event loop, the continuations of promises included, to `flush` together. */
export function coalesced<T>(flush: (added: T[]) => void): (each: T) => void {
  let added: T[] = [];
  return (each) => {
    if (added.push(each) > 1) return;
    queueMicrotask(() =>
      process.nextTick(() => {
        const all = added;
        added = [];
        flush(all);
      }),
    );
  };
}
