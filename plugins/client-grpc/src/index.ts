/**
 * `--client=grpc`: go-micro's gRPC client, and one for any other gRPC server.
 *
 * ```ts
 * const service = newService({ name: "greeter.client", client: newClient() });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newClient, newWire } from "./client.ts";

export {
  binaryValue,
  bytesOfValue,
  GrpcError,
  type GrpcStatus,
  isGrpcError,
  statusCode,
} from "@ts-micro/grpc-wire";
export { type GrpcOptions, withGrpc } from "./grpc-options.ts";
export type { GrpcClientOptions } from "./options.ts";
export { newClient, newWire };

export const Plugin: PluginConfig<"client"> = {
  name: "grpc",
  type: "client",
  path: "@ts-micro/client-grpc",
  newFunc: newClient,
  wire: newWire(),
};
