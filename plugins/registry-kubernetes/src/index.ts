/**
 * Services register on their own pods and are found there, also by and for those of go-micro; Kubernetes Services are found too.
 *
 *     MICRO_REGISTRY=kubernetes node greeter.js
 */
import type { PluginConfig } from "ts-micro/plugin";
import { newRegistry } from "./registry.ts";

export type { KubernetesRegistryOptions } from "./options.ts";
export { newRegistry };

export const Plugin: PluginConfig<"registry"> = {
  name: "kubernetes",
  type: "registry",
  path: "@ts-micro/registry-kubernetes",
  newFunc: newRegistry,
  flags: [
    {
      name: "kubernetes_namespace",
      type: "string",
      usage: "Namespace of --registry=kubernetes; in a pod its own",
      option: "namespace",
    },
    {
      name: "kubernetes_pod",
      type: "string",
      usage: "Pod that carries the registrations; HOSTNAME by default",
      option: "podName",
    },
    {
      name: "kubernetes_token_file",
      type: "string",
      usage: "File with the token for the API server; in a pod that of its service account",
      option: "tokenFile",
    },
    {
      name: "kubernetes_tls_ca",
      type: "string",
      usage: "File with the authority that signed the API server's certificate, as PEM",
      option: "tlsCaFile",
    },
    {
      name: "kubernetes_tls_cert",
      type: "string",
      usage: "File with the certificate to show to the API server, as PEM",
      option: "tlsCertFile",
    },
    {
      name: "kubernetes_tls_key",
      type: "string",
      usage: "File with the key of --kubernetes_tls_cert, as PEM",
      option: "tlsKeyFile",
    },
  ],
};
