/**
 * `--broker=kafka`: Kafka, at least once, with go-micro's envelope.
 *
 * ```ts
 * const service = newService({ name: "mailer", broker: newBroker({ addresses: ["kafka-1:9092", "kafka-2:9092"] }) });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";
import { kafkaFlags } from "./flags.ts";

export type { KafkaBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "kafka",
  type: "broker",
  path: "@ts-micro/broker-kafka",
  newFunc: newBroker,
  flags: kafkaFlags,
};
