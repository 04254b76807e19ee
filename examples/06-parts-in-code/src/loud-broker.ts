import { type Broker, type BrokerOptions, newMemoryBroker } from "ts-micro/broker";
import type { PluginConfig } from "ts-micro/plugin";

/** The memory broker, which says what it is given. */
function newLoudBroker(options: BrokerOptions = {}): Broker {
  const broker = newMemoryBroker({ ...options, addresses: ["hub-three"] });
  return {
    ...broker,
    name: "loud",
    get address() {
      return broker.address;
    },
    publish(topic, message, publishOptions) {
      console.log(`loud broker: a message on ${topic}`);
      return broker.publish(topic, message, publishOptions);
    },
  };
}

export const Plugin: PluginConfig<"broker"> = {
  name: "loud",
  type: "broker",
  path: "./loud-broker.js",
  newFunc: newLoudBroker,
};
