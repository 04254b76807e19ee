/**
 * Services register in etcd v3 and are found there, also by and for those of go-micro.
 *
 *     MICRO_REGISTRY=etcd MICRO_REGISTRY_ADDRESS=10.0.0.5:2379 node greeter.js
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newRegistry } from "./registry.ts";

export type { EtcdRegistryOptions } from "./options.ts";
export { newRegistry };

export const Plugin: PluginConfig<"registry"> = {
  name: "etcd",
  type: "registry",
  path: "@ts-micro/registry-etcd",
  newFunc: newRegistry,
  flags: [
    {
      name: "etcd_user",
      type: "string",
      env: "ETCD_USERNAME",
      usage: "User of --registry=etcd",
      option: "user",
    },
    {
      name: "etcd_password",
      type: "string",
      env: "ETCD_PASSWORD",
      usage: "Password of that user; other users of the machine can't see it in the variable",
      option: "password",
    },
    {
      name: "etcd_tls_ca",
      type: "string",
      usage: "File with the authority that signed etcd's certificate, as PEM; means TLS",
      option: "tlsCaFile",
    },
    {
      name: "etcd_tls_cert",
      type: "string",
      usage: "File with the certificate to show to etcd, as PEM; means TLS",
      option: "tlsCertFile",
    },
    {
      name: "etcd_tls_key",
      type: "string",
      usage: "File with the key of --etcd_tls_cert, as PEM",
      option: "tlsKeyFile",
    },
  ],
};
