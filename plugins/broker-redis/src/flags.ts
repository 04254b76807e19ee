import type { PluginFlag } from "ts-micro/plugin";
import type { RedisBrokerOptions } from "./options.ts";

/** Those about the server name the engine, not the kind, so that other plugins on Redis can share them. */
export const redisFlags: readonly (PluginFlag & { option: keyof RedisBrokerOptions })[] = [
  { name: "redis_user", type: "string", usage: "User for Redis", option: "user" },
  {
    name: "redis_password",
    type: "string",
    usage: "Password for Redis; better given as the variable",
    option: "password",
  },
  {
    name: "redis_database",
    type: "int",
    usage: "Number of the Redis database. Default: 0",
    option: "database",
  },
  { name: "redis_tls", type: "bool", usage: "Use TLS with Redis", option: "secure" },
  {
    name: "redis_tls_ca",
    type: "string",
    usage: "PEM file of whom to trust as a Redis server",
    option: "tlsCaFile",
  },
  {
    name: "redis_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for Redis",
    option: "tlsCertFile",
  },
  { name: "redis_tls_key", type: "string", usage: "PEM file of our certificate's key", option: "tlsKeyFile" },
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
