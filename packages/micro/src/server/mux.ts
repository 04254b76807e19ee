import { alpn, preface, startsWithPreface } from "../mux/link.ts";
import { MuxConnection, type MuxHost } from "./mux-connection.ts";
import type { Sharing, Wire, WireHost } from "./wire.ts";

/**
 * Calls between our own processes, on the port of the default server: all calls and streams of a caller travel on one
 * connection (docs/protocol-mux.md).
 */
export const muxWire: Wire = {
  name: "mux",
  protocol: "mux",

  listen() {
    throw new TypeError("mux has no port of its own; it shares that of mucp");
  },

  share({ settings, router, parts }: WireHost): Sharing {
    const connections = new Set<MuxConnection>();
    const host: MuxHost = {
      service: settings.name,
      router,
      codecs: settings.codecs,
      maxBodyBytes: parts.transport.maxMessageBytes ?? 4 * 1024 * 1024,
      closed: (connection) => connections.delete(connection),
    };
    let closing = false;
    return {
      protocol: {
        name: preface,
        alpn,
        matches: startsWithPreface,
        serve(socket) {
          const connection = new MuxConnection(host, socket);
          connections.add(connection);
          if (closing) void connection.leave();
        },
      },
      // Callers keep their connections while they learn from the registry that the node is going.
      leave() {},
      async close() {
        closing = true;
        await Promise.all([...connections].map((connection) => connection.leave()));
      },
      destroy(reason) {
        for (const connection of connections) connection.destroy(reason);
      },
    };
  },
};
