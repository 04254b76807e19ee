/**
 * `--broker=mqtt`: MQTT 5 and 3.1.1, with go-micro's mqtt plugin.
 *
 * ```ts
 * const service = newService({ name: "mailer", broker: newBroker({ addresses: ["mosquitto-1:1883"] }) });
 * ```
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newBroker } from "./broker.ts";
import { mqttFlags } from "./flags.ts";

export type { MqttBrokerOptions } from "./options.ts";
export { newBroker };

export const Plugin: PluginConfig<"broker"> = {
  name: "mqtt",
  type: "broker",
  path: "@ts-micro/broker-mqtt",
  newFunc: newBroker,
  flags: mqttFlags,
};
