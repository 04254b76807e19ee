/**
 * Calls Apache bRPC's servers, and ts-micro's with `--server=brpc`.
 *
 *     MICRO_PLUGIN=./brpc.mjs node greeter-client.js --client=brpc
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newClient, newWire } from "./client.ts";

export { errno, errnoOf } from "@ts-micro/brpc-wire";
export type { BrpcCallOptions, BrpcResponse } from "./call-options.ts";
export type { BrpcClientOptions, ConnectionType } from "./options.ts";
export { newClient, newWire };

export const Plugin: PluginConfig<"client"> = {
  name: "brpc",
  type: "client",
  path: "@ts-micro/client-brpc",
  newFunc: newClient,
  wire: newWire(),
  flags: [
    {
      name: "brpc_connection_type",
      type: "string",
      usage: "How calls of --client=brpc share connections: single, pooled or short. Default: single",
      option: "connectionType",
    },
    {
      name: "brpc_compression",
      type: "string",
      usage: "How --client=brpc compresses requests: none, snappy, gzip or zlib. Default: none",
      option: "compression",
    },
  ],
};
