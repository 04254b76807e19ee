import type { Duplex } from "node:stream";
import type { MicroError } from "ts-micro";
import { codecFor } from "ts-micro/codec";
import { newServerOver, type Server, type Wire, type WireHost } from "ts-micro/server";
import { listenTcp } from "ts-micro/transport";
import { Connection, type ConnectionHost } from "./connection.ts";
import { newHealthServer } from "./health.ts";
import { type BrpcServerOptions, type BrpcSettings, brpcSettings } from "./options.ts";

/**
 * A server that Apache bRPC's clients can call: baidu_std over TCP or TLS, and `/health` over HTTP on its port.
 * @throws MicroError 400 for an option out of range
 */
export function newServer(options: BrpcServerOptions = {}): Server {
  return newServerOver(newWire(options), options);
}

/** The protocol by itself, for `ServerOptions.wires`: beside another protocol on one port. */
export function newWire(options: BrpcServerOptions = {}): Wire {
  const own = brpcSettings(options);
  return {
    name: "brpc",
    protocol: "brpc",

    async listen(host) {
      const { address, tls, secure, logger } = host.settings;
      const connections = new Connections(host, own);
      const protocol = { name: "brpc", matches: () => true, serve: connections.serve };
      const listener = await listenTcp(address, {
        tls: tls ?? (secure ? {} : undefined),
        // What nobody else claims gets its error here.
        protocols: [...host.settings.protocols, protocol],
        headTimeoutMs: 10_000,
        logger,
      });
      return {
        address: listener.address,
        transport: "tcp",
        leave: () => connections.leave(),
        async close() {
          await listener.close();
          await connections.close();
        },
        async destroy(reason) {
          connections.destroy(reason);
          await listener.close();
        },
      };
    },

    share(host) {
      const connections = new Connections(host, own);
      return {
        protocol: { name: "brpc", matches: isBrpc, serve: connections.serve },
        leave: () => connections.leave(),
        close: () => connections.close(),
        destroy: (reason) => connections.destroy(reason),
      };
    },
  };
}

/** The connections of one server. */
class Connections {
  readonly #host: ConnectionHost;
  readonly #open = new Set<Connection>();
  #leaving = false;
  #closing = false;

  constructor({ settings, router }: WireHost, own: BrpcSettings) {
    const { codecs, name, logger } = settings;
    this.#host = {
      ...own,
      service: name,
      router,
      logger,
      proto: codecFor("application/protobuf", codecs),
      json: codecFor("application/json", codecs),
      health: newHealthServer(() => !this.#leaving),
      closed: (connection) => this.#open.delete(connection),
    };
  }

  readonly serve = (socket: Duplex): void => {
    const connection = new Connection(this.#host, socket);
    this.#open.add(connection);
    if (this.#closing) void connection.finish();
    else if (this.#leaving) connection.sayGoodbye();
  };

  leave(): void {
    this.#leaving = true;
    for (const connection of this.#open) connection.sayGoodbye();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#open].map((connection) => connection.finish()));
  }

  destroy(reason: MicroError): void {
    for (const connection of this.#open) connection.destroy(reason);
  }
}

/** `undefined` while the bytes could become `PRPC`. */
function isBrpc(firstBytes: Uint8Array): boolean | undefined {
  const magic = Buffer.from("PRPC");
  const seen = Math.min(firstBytes.length, magic.length);
  if (!magic.subarray(0, seen).equals(firstBytes.subarray(0, seen))) return false;
  return seen === magic.length ? true : undefined;
}
