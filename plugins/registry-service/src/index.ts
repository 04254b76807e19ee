/**
 * A registry behind a service: `micro registry`, or that of go-micro v2.
 *
 *     MICRO_REGISTRY=service MICRO_REGISTRY_ADDRESS=10.0.0.5:8000 node greeter.js
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newRegistry } from "./registry.ts";

export type { ServiceRegistryOptions } from "./options.ts";
export { newRegistry };

export const Plugin: PluginConfig<"registry"> = {
  name: "service",
  type: "registry",
  path: "@ts-micro/registry-service",
  newFunc: newRegistry,
};
