/** A small protocol that can stand beside the default one: a line of JSON each way, a connection for each call. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { ClientWire } from "../../src/client/client-over.ts";
import { newClientOver } from "../../src/client/client-over.ts";
import { CallContext } from "../../src/context.ts";
import { MicroError } from "../../src/errors.ts";
import type { PluginConfig } from "../../src/plugin/plugin.ts";
import { newServerOver } from "../../src/server/lifecycle.ts";
import type { Sharing, Wire, WireHost } from "../../src/server/wire.ts";
import { listenTcp } from "../../src/transport/listener.ts";

export const lineWire: Wire = {
  name: "line",
  protocol: "line",
  async listen(host) {
    const { protocol, ...draining } = share(host);
    const { address, logger } = host.settings;
    const listener = await listenTcp(address, { protocols: [protocol], headTimeoutMs: 10_000, logger });
    const close = async (): Promise<void> => {
      await listener.close();
      await draining.close();
    };
    return { ...draining, close, address: listener.address, transport: "tcp" };
  },
  share,
};

function share({ router, settings }: WireHost): Sharing {
  const running = new Map<Duplex, Promise<void>>();
  const answer = async (connection: Duplex): Promise<void> => {
    for await (const line of createInterface(connection)) {
      const { endpoint, body } = JSON.parse(line);
      const request = { service: settings.name, endpoint, contentType: "line", streaming: false, body };
      try {
        const answer = await router.find(endpoint).invoke(request, new CallContext());
        connection.end(`${JSON.stringify({ answer })}\n`);
      } catch (thrown) {
        connection.end(`${JSON.stringify({ error: router.failure(thrown, endpoint) })}\n`);
      }
    }
  };
  return {
    protocol: {
      name: "line",
      matches: (bytes) => bytes[0] === "{".charCodeAt(0),
      serve(connection) {
        running.set(
          connection,
          answer(connection).finally(() => running.delete(connection)),
        );
      },
    },
    leave() {},
    async close() {
      await Promise.all(running.values());
    },
    destroy() {
      for (const connection of running.keys()) connection.destroy();
    },
  };
}

export const lineClientWire: ClientWire = {
  name: "line",
  protocol: "line",
  open: () => ({
    async call({ node, request: { endpoint, body } }) {
      const [host, port] = node.address.split(":");
      const socket = connect({ host: host as string, port: Number(port) });
      socket.write(`${JSON.stringify({ endpoint, body })}\n`);
      const [line] = await once(createInterface(socket), "line");
      const { answer, error } = JSON.parse(line);
      if (error !== undefined) throw new MicroError(error);
      return answer;
    },
    close() {},
  }),
};

/** As a plugin module would export it. */
export const Plugin: readonly PluginConfig[] = [
  {
    name: "line",
    type: "server",
    newFunc: (options) => newServerOver(lineWire, options),
    wire: lineWire,
  },
  {
    name: "line",
    type: "client",
    newFunc: (options) => newClientOver(lineClientWire, options),
    wire: lineClientWire,
  },
];
