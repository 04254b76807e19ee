import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Passes bytes on, until it is told to keep connections open in silence. */
export interface Proxy extends AsyncDisposable {
  readonly address: string;
  /** Open connections of clients. */
  readonly connections: number;
  silence(): void;
  /** Connections that are made from now on are passed on again; the silent ones stay so. */
  speak(): void;
}

export async function startProxy(target: string): Promise<Proxy> {
  const [host, port] = target.split(":");
  const clients = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let silent = false;
  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    if (silent) return;
    const upstream = connect(Number(port), host);
    upstreams.add(upstream);
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => upstreams.delete(upstream));
    client.on("close", () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return clients.size;
    },
    silence() {
      silent = true;
      for (const socket of [...clients, ...upstreams]) {
        socket.unpipe();
        socket.pause();
      }
    },
    speak() {
      silent = false;
      // Paused sockets notice no end: the test asks how many are open.
      for (const client of clients) client.on("data", () => {}).resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...clients, ...upstreams]) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
