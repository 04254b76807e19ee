/**
 * `--broker=rabbitmq`: go-micro's exchange and headers, at least once.
 *
 * ```ts
 * const service = newService({ name: "mailer", broker: newBroker({ addresses: ["rabbit-1:5672", "rabbit-2:5672"] }) });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";
import { rabbitmqFlags } from "./flags.ts";

export type { QueueStyle, RabbitmqBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "rabbitmq",
  type: "broker",
  path: "@ts-micro/broker-rabbitmq",
  newFunc: newBroker,
  flags: rabbitmqFlags,
};
