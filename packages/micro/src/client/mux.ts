import type { Node } from "../registry/registry.ts";
import type { Try } from "./attempt.ts";
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
    const send: Try = (attempt, outcome) => {
      const { node, request, limit } = attempt;
      const connection = connections.ready(parts.transport, node.address);
      if (connection !== undefined) connection.call(attempt, outcome);
      else {
        connections
          .connect(parts.transport, request.service, node.address, limit)
          .then((opened) => opened.call(attempt, outcome))
          .catch((thrown) => outcome.fail(thrown));
      }
    };
    return {
      call: (attempt) => new Promise((succeed, fail) => send(attempt, { succeed, fail })),
      send,
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
