import type { Duplex } from "node:stream";
import { newServerOver, type Server, type Wire, type WireHost } from "ts-micro/server";
import { listenTcp } from "ts-micro/transport";
import { Connections } from "./connections.ts";
import { type GrpcServerOptions, type GrpcSettings, grpcSettings } from "./options.ts";
import { newOwnServices } from "./own-services.ts";
import { isHttp2 } from "./protocol.ts";
import { Formats } from "./request.ts";

/**
 * A gRPC server. It answers go-micro's paths (`/<service>.<Type>/<Method>`, found by the last part) and those of
 * plain gRPC (`/<package>.<Service>/<Method>`, from a handler's schema) side by side.
 * @throws MicroError 400 for an option out of range
 */
export function newServer(options: GrpcServerOptions = {}): Server {
  return newServerOver(newWire(options), options);
}

/** The protocol by itself, for `ServerOptions.wires`: beside another protocol on one port. */
export function newWire(options: GrpcServerOptions = {}): Wire {
  const own = grpcSettings(options);
  return {
    name: "grpc",
    protocol: "grpc",

    async listen(host) {
      const { address, tls, secure, logger } = host.settings;
      const connections = serving(host, own);
      const listener = await listenTcp(address, {
        tls: tls ?? (secure ? {} : undefined),
        protocols: [protocolOf(connections), ...host.settings.protocols],
        headTimeoutMs: 10_000,
        logger,
      });
      return {
        address: listener.address,
        // go-micro's word for what carries its gRPC.
        transport: "grpc",
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
      const connections = serving(host, own);
      return {
        protocol: protocolOf(connections),
        leave: () => connections.leave(),
        close: () => connections.close(),
        destroy: (reason) => connections.destroy(reason),
      };
    },
  };
}

function serving(host: WireHost, own: GrpcSettings): Connections {
  const { settings, router } = host;
  const formats = new Formats(settings.codecs);
  const ownServices = newOwnServices(host, own);
  return new Connections({ name: settings.name, settings: own, router, ownServices, formats });
}

function protocolOf(connections: Connections) {
  return {
    name: "grpc",
    alpn: ["h2"],
    matches: isHttp2,
    serve: (connection: Duplex) => connections.serve(connection),
  };
}
