import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Contender } from "../contender.ts";

/**
 * The limit: JSON over one TCP connection, each frame a 4-byte big-endian length, a 4-byte call id and the
 * body. No names, no errors, no deadlines.
 */
export const bare: Contender = {
  async serve() {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.setNoDelay(true);
      readFrames(socket, (id, body) => {
        const { name } = JSON.parse(body);
        writeFrame(socket, id, JSON.stringify({ msg: `hello ${name}` }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },

  async connect(address) {
    const [host = "", port = ""] = address.split(":");
    const socket = connect(Number(port), host);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.setNoDelay(true);
    const pending = new Map<number, (msg: string) => void>();
    let ids = 0;
    readFrames(socket, (id, body) => {
      pending.get(id)?.(JSON.parse(body).msg);
      pending.delete(id);
    });
    return {
      call(name) {
        return new Promise((resolve) => {
          const id = ++ids;
          pending.set(id, resolve);
          writeFrame(socket, id, JSON.stringify({ name }));
        });
      },
      async close() {
        socket.destroy();
      },
    };
  },
};

function writeFrame(socket: Socket, id: number, body: string): void {
  const bytes = Buffer.allocUnsafe(8 + Buffer.byteLength(body));
  bytes.writeUInt32BE(bytes.length - 8, 0);
  bytes.writeUInt32BE(id, 4);
  bytes.write(body, 8);
  socket.write(bytes);
}

function readFrames(socket: Socket, frame: (id: number, body: string) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 8) {
      const end = at + 8 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      frame(bytes.readUInt32BE(at + 4), bytes.toString("utf8", at + 8, end));
      at = end;
    }
    rest = bytes.subarray(at);
  });
}
