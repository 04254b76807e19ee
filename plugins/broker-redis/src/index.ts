/**
 * `--broker=redis`: Redis streams, or go-micro's redis broker on plain publish and subscribe.
 *
 * ```ts
 * const service = newService({ name: "mailer", broker: newBroker({ addresses: ["redis-1:6379", "redis-2:6379"] }) });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";
import { flags } from "./flags.ts";

export type { RedisBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "redis",
  type: "broker",
  path: "@ts-micro/broker-redis",
  newFunc: newBroker,
  flags,
};
