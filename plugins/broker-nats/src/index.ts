/**
 * `--broker=nats`: go-micro's nats broker, on core NATS.
 *
 * ```ts
 * const service = newService({ name: "mailer", broker: newBroker({ addresses: ["nats-1:4222", "nats-2:4222"] }) });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";
import { brokerFlags } from "./flags.ts";

export type { NatsBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "nats",
  type: "broker",
  path: "@ts-micro/broker-nats",
  newFunc: newBroker,
  flags: brokerFlags,
};
