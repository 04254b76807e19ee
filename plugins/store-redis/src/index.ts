/**
 * Records in Redis.
 *
 *     MICRO_STORE=redis MICRO_STORE_ADDRESS=10.0.0.5:6379 node users.js
 */
import { redisFlags } from "@ts-micro/redis-connection";
import type { PluginConfig } from "ts-micro/plugin";
import { newStore } from "./store.ts";

export type { RedisStoreOptions } from "./store.ts";
export { newStore };

export const Plugin: PluginConfig<"store"> = {
  name: "redis",
  type: "store",
  path: "@ts-micro/store-redis",
  newFunc: newStore,
  flags: redisFlags,
};
