/**
 * Records in NATS JetStream.
 *
 *     MICRO_STORE=nats MICRO_STORE_ADDRESS=10.0.0.5:4222,10.0.0.6:4222 node users.js
 */
import { natsFlags } from "@ts-micro/nats-connection";
import type { PluginConfig } from "ts-micro/plugin";
import { type NatsStoreOptions, newStore } from "./store.ts";

export { type NatsStoreOptions, newStore };

export const Plugin: PluginConfig<"store"> = {
  name: "nats",
  type: "store",
  path: "@ts-micro/store-nats",
  newFunc: newStore,
  flags: [
    ...natsFlags,
    {
      name: "nats_store_replicas",
      type: "int",
      usage: "How many servers of a NATS cluster keep each record, for buckets that are made. Default: 1",
      option: "replicas",
    },
  ],
};
