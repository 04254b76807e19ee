import type { Node } from "../registry/registry.ts";
import type { ClientWire } from "./client-over.ts";
import { MuxConnections } from "./mux-connections.ts";
import { openMuxStream } from "./mux-stream.ts";

/**
 * Calls between our own processes: one connection to each node, on which all calls and streams travel together
 * (docs/protocol-mux.md). Nodes say that they speak it in their metadata `protocols`; it is tried with no others.
 */
export const muxClientWire: ClientWire = {
  name: "mux",
  protocol: "mux",

  carriedBy: (transport) => transport.connect !== undefined,

  open({ settings, parts, path }) {
    const connections = new MuxConnections(settings);
    return {
      call(attempt) {
        const connection = connections.ready(parts.transport, attempt.node.address);
        if (connection !== undefined) return connection.call(attempt);
        return connections
          .connect(parts.transport, attempt.request.service, attempt.node.address, attempt.limit)
          .then((opened) => opened.call(attempt));
      },
      async stream(attempt) {
        const { node, request, limit } = attempt;
        const connection = await connections.connect(parts.transport, request.service, node.address, limit);
        return openMuxStream(connection, path, attempt);
      },
      keepOnly: (service: string, nodes: readonly Node[]) => connections.keepOnly(service, nodes),
      close: () => connections.close(),
    };
  },
};
