import { Connection, type ConnectionHost } from "./connection.ts";
import { newServerOver } from "./lifecycle.ts";
import { muxWire } from "./mux.ts";
import { RequestReader } from "./request.ts";
import type { Server, ServerOptions } from "./server.ts";
import type { Wire } from "./wire.ts";

export interface MucpServerOptions extends ServerOptions {
  /** Serve mux on the same port, which our own clients prefer. @default true */
  mux?: boolean;
}

/**
 * The default server: go-micro's `mucp`, over whatever transport the service has. Our own clients get the same
 * answers on one connection each (docs/protocol-mux.md).
 *
 * Each of its messages can be read by go-micro v2 and v6, and theirs by it.
 */
export function newServer(options: MucpServerOptions = {}): Server {
  return newServerOver(mucp, options, options.mux === false ? undefined : muxWire);
}

const mucp: Wire = {
  name: "mucp",
  protocol: "mucp",

  async listen({ settings, router, subscriptions, parts }) {
    const connections = new Set<Connection>();
    const host: ConnectionHost & { leaving: boolean } = {
      router,
      subscriptions,
      reader: new RequestReader(settings.codecs),
      leaving: false,
      maxAnswerBytes: parts.transport.maxMessageBytes,
      closed: (connection) => connections.delete(connection),
    };
    let closing = false;
    const { transport } = parts;
    const listener = await transport.listen(
      settings.address,
      (socket) => {
        const connection = new Connection(host, socket);
        connections.add(connection);
        // It was accepted before listening ended, and only now is known to speak this protocol.
        if (closing) void connection.leave();
        return connection;
      },
      {
        ...(settings.tls !== undefined && { tls: settings.tls }),
        ...(settings.protocols.length > 0 && { protocols: settings.protocols }),
      },
    );
    return {
      address: listener.address,
      transport: transport.name,
      leave() {
        host.leaving = true;
      },
      async close() {
        await listener.close();
        closing = true;
        await Promise.all([...connections].map((connection) => connection.leave()));
      },
      async destroy(reason) {
        for (const connection of connections) connection.destroy(reason);
        await listener.close();
      },
    };
  },
};
