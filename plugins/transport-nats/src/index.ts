/**
 * Calls go through NATS, also those of go-micro: no process needs a port that others can reach.
 *
 *     MICRO_TRANSPORT=nats MICRO_TRANSPORT_ADDRESS=10.0.0.5:4222,10.0.0.6:4222 node greeter.js
 */
import { natsFlags } from "@ts-micro/nats-connection";
import type { PluginConfig } from "ts-micro/plugin";
import { newTransport } from "./transport.ts";

export type { NatsTransportOptions } from "./options.ts";
export { newTransport };

export const Plugin: PluginConfig<"transport"> = {
  name: "nats",
  type: "transport",
  path: "@ts-micro/transport-nats",
  newFunc: newTransport,
  flags: natsFlags,
};
