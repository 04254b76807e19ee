import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands before a server and passes bytes on, until it is told to keep connections open in silence. */
export interface SilenceableProxy extends AsyncDisposable {
  /** `host:port` for clients. */
  readonly address: string;
  /** Open connections of clients. */
  readonly connections: number;
  /** Nothing passes any more in either direction, on old connections and on new ones; none is closed. */
  silence(): void;
  /** Connections that are made from now on are passed on again; the silent ones stay so. */
  speak(): void;
}

/**
 * A proxy on a free port of 127.0.0.1, to the server at `target` (`host:port`); asked for each connection where the
 * server has to know the proxy before it starts.
 */
export async function startSilenceableProxy(target: string | (() => string)): Promise<SilenceableProxy> {
  const pairs = new Set<Pair>();
  let silent = false;
  const server = createServer((near) => {
    const [host, port] = (typeof target === "string" ? target : target()).split(":");
    const far = connect(Number(port), host);
    const pair: Pair = { near, far, silent };
    pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      // Read in silence too: else nobody would notice that the client has closed the connection.
      from.on("data", (bytes) => {
        if (!pair.silent && to.writable && !to.write(bytes)) from.pause();
      });
      to.on("drain", () => from.resume());
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return pairs.size;
    },
    silence() {
      silent = true;
      for (const pair of pairs) pair.silent = true;
    },
    speak() {
      silent = false;
    },
    async [Symbol.asyncDispose]() {
      for (const { near } of pairs) near.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  silent: boolean;
}
