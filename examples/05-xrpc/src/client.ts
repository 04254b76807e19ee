import { serviceUnavailable } from "ts-micro";
import { type Client, type ClientOptions, type ClientWire, newClientOver } from "ts-micro/client";
import { connectTcp } from "ts-micro/transport";
import { Connection } from "./connection.ts";

/** Selection, deadlines, retries, wrappers and publishing are the framework's; here are only the connections. */
export function newClient(options: ClientOptions = {}): Client {
  return newClientOver(xrpc, options);
}

const xrpc: ClientWire = {
  name: "xrpc",
  protocol: "xrpc",

  open({ options, settings }) {
    const tls = options.tls ?? (options.secure ? {} : undefined);
    const dialling = { tls, alpn: [], timeoutMs: settings.dialTimeoutMs };
    /** By address. One that is closed, or whose server leaves, is replaced at the next call. */
    const connections = new Map<string, Promise<Connection>>();

    async function connectionTo(address: string): Promise<Connection> {
      const known = connections.get(address);
      const present = await known?.catch(() => undefined);
      if (present?.usable) return present;
      // Of all who find it unusable together, the first opens another.
      const another = connections.get(address);
      if (another !== undefined && another !== known) return another;
      const opening = connectTcp(address, dialling).then((socket) => new Connection(socket));
      connections.set(address, opening);
      return opening;
    }

    return {
      async call({ node, request, metadata, limit }) {
        const connection = await limit.race(connectionTo(node.address));
        const { service, endpoint, body } = request;
        return connection.call({ service, endpoint, metadata, body }, limit);
      },
      close() {
        const closed = serviceUnavailable("xrpc", "the client is closed", { reason: "closed" });
        for (const opening of connections.values()) {
          opening.then((connection) => connection.close(closed)).catch(() => {});
        }
      },
    };
  },
};
