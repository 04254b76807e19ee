/**
 * `--server=grpc`: go-micro's gRPC server, and one for any other gRPC client.
 *
 * ```ts
 * const service = newService({ name: "greeter", server: newServer() });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newServer, newWire } from "./server.ts";

export {
  binaryValue,
  bytesOfValue,
  GrpcError,
  type GrpcStatus,
  isGrpcError,
  statusCode,
} from "@ts-micro/grpc-wire";
export { type GrpcCall, grpcCall } from "./grpc-call.ts";
export type { GrpcServerOptions } from "./options.ts";
export { newServer, newWire };

export const Plugin: PluginConfig<"server"> = {
  name: "grpc",
  type: "server",
  path: "@ts-micro/server-grpc",
  newFunc: newServer,
  wire: newWire(),
};
