import type { Duplex } from "node:stream";
import { newServerOver, type Server, type ServerOptions, type Wire } from "ts-micro/server";
import { listenTcp } from "ts-micro/transport";
import { ServerConnection } from "./server-connection.ts";

/** Handlers, subscribers, the registry and draining are the framework's; here are only the connections. */
export function newServer(options: ServerOptions = {}): Server {
  return newServerOver(xrpc, options);
}

const xrpc: Wire = {
  name: "xrpc",
  protocol: "xrpc",

  async listen({ settings, router }) {
    const { address, tls, logger } = settings;
    const connections = new Set<ServerConnection>();
    let leaving = false;

    const serve = (socket: Duplex): void => {
      const connection = new ServerConnection(socket, router, settings.name);
      connections.add(connection);
      socket.once("close", () => connections.delete(connection));
      if (leaving) connection.sayGoodbye();
    };
    const protocols = [{ name: "xrpc", matches: () => true, serve }];
    const listener = await listenTcp(address, { tls, protocols, headTimeoutMs: 10_000, logger });

    return {
      address: listener.address,
      transport: "tcp",
      leave() {
        leaving = true;
        for (const connection of connections) connection.sayGoodbye();
      },
      async close() {
        await listener.close();
        await Promise.all([...connections].map((connection) => connection.finish()));
      },
      async destroy(reason) {
        for (const connection of connections) connection.destroy(reason);
        await listener.close();
      },
    };
  },
};
