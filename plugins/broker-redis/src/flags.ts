import { redisFlags } from "@ts-micro/redis-connection";
import type { PluginFlag } from "ts-micro/plugin";
import type { RedisBrokerOptions } from "./options.ts";

export const flags: readonly (PluginFlag & { option: keyof RedisBrokerOptions })[] = [
  ...redisFlags,
  {
    name: "redis_broker_mode",
    type: "string",
    usage: "How messages go through Redis: streams, or pubsub as go-micro's. Default: streams",
    option: "mode",
  },
  {
    name: "redis_broker_max_length",
    type: "int",
    usage: "About how many messages a topic keeps in Redis, handled or not. Default: 100000",
    option: "maxLength",
  },
  {
    name: "redis_broker_claim_after",
    type: "duration",
    usage: "Silence after which a queue's member loses its messages to another one. Default: 30s",
    option: "claimAfterMs",
  },
];
