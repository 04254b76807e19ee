import { type Client, type ClientHost, type ClientWire, newClientOver } from "ts-micro/client";
import { Connections } from "./connections.ts";
import { type GrpcClientOptions, type GrpcSettings, grpcSettings } from "./options.ts";
import { Formats } from "./request.ts";
import { openStream } from "./stream.ts";
import { callUnary } from "./unary.ts";

/** What the calls and streams of one client share. */
export interface Grpc {
  readonly settings: GrpcSettings;
  readonly connections: Connections;
  readonly formats: Formats;
  readonly path: ClientHost["path"];
  /** The content type that the client's options name, if they do. */
  readonly contentType: string | undefined;
}

/**
 * A gRPC client, for go-micro's services and for any other gRPC server.
 * @throws MicroError 400 for an option out of range
 */
export function newClient(options: GrpcClientOptions = {}): Client {
  return newClientOver(newWire(options), options);
}

/** The protocol by itself, for `ClientOptions.wires`: for nodes that don't speak another client's own. */
export function newWire(own: GrpcClientOptions = {}): ClientWire {
  const grpc = grpcSettings(own);
  return {
    name: "grpc",
    protocol: "grpc",

    open({ options, settings, path }) {
      const connections = new Connections({
        tls: options.tls ?? (options.secure === true ? {} : undefined),
        dialTimeoutMs: settings.dialTimeoutMs,
        pingIntervalMs: grpc.pingIntervalMs,
        pingTimeoutMs: grpc.pingTimeoutMs,
        size: Math.max(1, settings.poolSize),
        ttlMs: settings.poolTtlMs,
      });
      const shared: Grpc = {
        settings: grpc,
        connections,
        formats: new Formats(settings.codecs),
        path,
        contentType: options.contentType,
      };
      return {
        call: (attempt) => callUnary(shared, attempt),
        stream: (attempt) => openStream(shared, attempt),
        keepOnly: (service, nodes) => connections.keepOnly(service, nodes),
        close: () => connections.close(),
      };
    },
  };
}
