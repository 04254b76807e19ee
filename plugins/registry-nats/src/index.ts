/**
 * Services find each other over NATS, also those of go-micro: nothing is stored, whoever is asked for answers.
 *
 *     MICRO_REGISTRY=nats MICRO_REGISTRY_ADDRESS=10.0.0.5:4222,10.0.0.6:4222 node greeter.js
 */
import { natsFlags } from "@ts-micro/nats-connection";
import type { PluginConfig } from "ts-micro/plugin";
import { newRegistry } from "./registry.ts";

export type { NatsRegistryOptions } from "./options.ts";
export { newRegistry };

export const Plugin: PluginConfig<"registry"> = {
  name: "nats",
  type: "registry",
  path: "@ts-micro/registry-nats",
  newFunc: newRegistry,
  flags: [
    ...natsFlags,
    {
      name: "nats_registry_prefixes",
      type: "list",
      usage: "Comma-separated list of what the registry's subjects on NATS begin with",
      option: "prefixes",
    },
  ],
};
