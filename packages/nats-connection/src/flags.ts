import type { PluginFlag } from "ts-micro/plugin";
import type { NatsConnectionOptions } from "./options.ts";

/** They name the engine, not the kind, so that other plugins on NATS can share them. */
export const natsFlags: readonly (PluginFlag & { option: keyof NatsConnectionOptions })[] = [
  { name: "nats_user", type: "string", usage: "User for NATS", option: "user" },
  {
    name: "nats_password",
    type: "string",
    usage: "Password for NATS; prefer the variable, other users can read command lines",
    option: "password",
  },
  {
    name: "nats_token",
    type: "string",
    usage: "Token for NATS; prefer the variable, other users can read command lines",
    option: "token",
  },
  { name: "nats_creds", type: "string", usage: "File with a JWT and its seed for NATS", option: "credsFile" },
  { name: "nats_nkey", type: "string", usage: "File with an NKEY seed for NATS", option: "nkeyFile" },
  { name: "nats_tls", type: "bool", usage: "Use TLS with NATS", option: "secure" },
  {
    name: "nats_tls_ca",
    type: "string",
    usage: "PEM file of the authority that signed NATS's certificate",
    option: "tlsCaFile",
  },
  {
    name: "nats_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for NATS",
    option: "tlsCertFile",
  },
  { name: "nats_tls_key", type: "string", usage: "PEM file of our certificate's key", option: "tlsKeyFile" },
  {
    name: "nats_ping_interval",
    type: "duration",
    usage: "Time between pings to NATS; a silent server is given up after three. Default: 5s",
    option: "pingIntervalMs",
  },
];
