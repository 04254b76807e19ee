import type { Duplex } from "node:stream";
import { newServerOver, type Server, type Wire } from "ts-micro/server";
import { listenTcp } from "ts-micro/transport";
import type { CallHost } from "./call.ts";
import { ServerConnection } from "./connection.ts";
import { type GrpcServerOptions, type GrpcSettings, grpcSettings } from "./options.ts";
import { newOwnServices } from "./own-services.ts";
import { grpcProtocol } from "./protocol.ts";
import { Formats } from "./request.ts";

/**
 * A gRPC server. It answers go-micro's paths (`/<service>.<Type>/<Method>`, found by the last part) and those of
 * plain gRPC (`/<package>.<Service>/<Method>`, from a handler's schema) side by side.
 * @throws TypeError for an option out of range
 */
export function newServer(options: GrpcServerOptions = {}): Server {
  return newServerOver(grpcWire(grpcSettings(options)), options);
}

function grpcWire(grpc: GrpcSettings): Wire {
  return {
    name: "grpc",
    protocol: "grpc",

    async listen(host) {
      const { settings, router } = host;
      const { name, address, tls, logger, codecs } = settings;
      const connections = new Set<ServerConnection>();
      const ownServices = newOwnServices(host, grpc);
      const calls: CallHost = { name, settings: grpc, router, ownServices, formats: new Formats(codecs) };
      let closing = false;

      const serve = (socket: Duplex): void => {
        const connection = new ServerConnection(socket, calls);
        connections.add(connection);
        socket.once("close", () => connections.delete(connection));
        // It was accepted before listening ended.
        if (closing) void connection.leave();
      };
      const protocols = [grpcProtocol(serve), ...settings.protocols];
      const listener = await listenTcp(address, { tls, protocols, headTimeoutMs: 10_000, logger });

      return {
        address: listener.address,
        transport: "grpc",
        // Callers that watch the registry go by themselves; HTTP/2 can't tell the others without refusing their calls.
        leave() {},
        async close() {
          await listener.close();
          closing = true;
          ownServices.close();
          await Promise.all([...connections].map((connection) => connection.leave()));
        },
        destroy(reason) {
          for (const connection of connections) connection.destroy(reason);
          return listener.close();
        },
      };
    },
  };
}
