/**
 * A broker behind a service: `micro broker`, or that of go-micro v2.
 *
 *     MICRO_BROKER=service MICRO_BROKER_ADDRESS=10.0.0.5:8001 node mailer.js
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";

export type { ServiceBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "service",
  type: "broker",
  path: "@ts-micro/broker-service",
  newFunc: newBroker,
};
