import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Sends what a stranger might to `host:port`, half-closes, and resolves when the other end has closed, too. */
export async function sendTo(address: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  const socket = connect({ host, port: Number(port) });
  // Not events.once: that rejects for a reset, which is as good an end as any here.
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  for (const piece of pieces) socket.write(piece);
  socket.end();
  await closed;
}

export interface StrangeServer extends AsyncDisposable {
  /** `host:port` */
  readonly address: string;
}

/**
 * A server that answers the first bytes of each connection with what a stranger might, and what follows with nothing.
 * Disposed of, it breaks all connections off.
 * @param answer asked for each connection
 * @param isEnding whether a connection is half-closed then
 */
export async function startStrangeServer(
  answer: () => Iterable<Uint8Array>,
  isEnding: () => boolean = () => true,
): Promise<StrangeServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.once("data", () => {
      for (const piece of answer()) socket.write(piece);
      if (isEnding()) socket.end();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
