/**
 * Serves ts-micro's handlers to Apache bRPC's clients.
 *
 *     node greeter.js --server=brpc
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newServer, newWire } from "./server.ts";

export { brpcError, errno, errnoOf } from "@ts-micro/brpc-wire";
export { type BrpcCall, type BrpcResponse, brpcCall } from "./call.ts";
export type { BrpcServerOptions } from "./options.ts";
export { newServer, newWire };

export const Plugin: PluginConfig<"server"> = {
  name: "brpc",
  type: "server",
  path: "@ts-micro/server-brpc",
  newFunc: newServer,
  wire: newWire(),
};
