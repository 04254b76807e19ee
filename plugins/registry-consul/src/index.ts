/**
 * Services register in Consul and are found there, also by and for those of go-micro.
 *
 *     MICRO_REGISTRY=consul MICRO_REGISTRY_ADDRESS=10.0.0.5:8500 node greeter.js
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newRegistry } from "./registry.ts";

export type { ConsulRegistryOptions } from "./options.ts";
export { newRegistry };

export const Plugin: PluginConfig<"registry"> = {
  name: "consul",
  type: "registry",
  path: "@ts-micro/registry-consul",
  newFunc: newRegistry,
  flags: [
    {
      name: "consul_http_addr",
      type: "string",
      env: "CONSUL_HTTP_ADDR",
      usage: "Agent of --registry=consul when there is no --registry_address",
      option: "agentAddress",
    },
    {
      name: "consul_token",
      type: "string",
      env: "CONSUL_HTTP_TOKEN",
      usage: "ACL token of --registry=consul; other users of the machine can't see it in the variable",
      option: "token",
    },
    {
      name: "consul_token_file",
      type: "string",
      env: "CONSUL_HTTP_TOKEN_FILE",
      usage: "File with that token",
      option: "tokenFile",
    },
    {
      name: "consul_tls_ca",
      type: "string",
      env: "CONSUL_CACERT",
      usage: "File with the authority that signed Consul's certificate, as PEM; means TLS",
      option: "tlsCaFile",
    },
    {
      name: "consul_tls_cert",
      type: "string",
      env: "CONSUL_CLIENT_CERT",
      usage: "File with the certificate to show to Consul, as PEM; means TLS",
      option: "tlsCertFile",
    },
    {
      name: "consul_tls_key",
      type: "string",
      env: "CONSUL_CLIENT_KEY",
      usage: "File with the key of --consul_tls_cert, as PEM",
      option: "tlsKeyFile",
    },
  ],
};
