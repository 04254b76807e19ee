import type { PluginFlag } from "ts-micro/plugin";
import type { RedisConnectionOptions } from "./options.ts";

/** They name the engine, not the kind, so that all plugins on Redis share them. */
export const redisFlags: readonly (PluginFlag & { option: keyof RedisConnectionOptions })[] = [
  { name: "redis_user", type: "string", usage: "User for Redis", option: "user" },
  {
    name: "redis_password",
    type: "string",
    usage: "Password for Redis; prefer the variable, other users can read command lines",
    option: "password",
  },
  {
    name: "redis_database",
    type: "int",
    usage: "Number of the Redis database. Default: 0",
    option: "redisDatabase",
  },
  { name: "redis_tls", type: "bool", usage: "Use TLS with Redis", option: "secure" },
  {
    name: "redis_tls_ca",
    type: "string",
    usage: "PEM file of the authority that signed Redis's certificate",
    option: "tlsCaFile",
  },
  {
    name: "redis_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for Redis",
    option: "tlsCertFile",
  },
  { name: "redis_tls_key", type: "string", usage: "PEM file of our certificate's key", option: "tlsKeyFile" },
];
