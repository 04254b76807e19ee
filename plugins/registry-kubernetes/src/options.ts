import { readFileSync } from "node:fs";
import { join } from "node:path";
import { badRequest, type TlsOptions } from "ts-micro";
import type { RegistryOptions } from "ts-micro/registry";
import { type TlsPaths, tlsWithFiles } from "ts-micro/transport";

export interface KubernetesRegistryOptions extends RegistryOptions, TlsPaths {
  /**
   * API servers of one cluster: `https://host:port`, `http://host:port`, or `host:port` for https. Without any, the
   * process is taken to run in a pod: address, authority, token and namespace are those of its service account.
   */
  addresses?: readonly string[];
  /** @default that of the service account; "default" with `addresses` */
  namespace?: string;
  /** The pod that carries the registrations. @default the variable `HOSTNAME`, as go-micro */
  podName?: string;
  token?: string;
  /** A file with the token, read anew for each request, since Kubernetes changes it every hour. Wins over `token`. */
  tokenFile?: string;
  /** Where Kubernetes puts the service account. @default "/var/run/secrets/kubernetes.io/serviceaccount" */
  accountFolder?: string;
  /** Limit of one operation, however many API servers are tried, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /**
   * How long one watch is left open, in milliseconds; it is opened anew where it ended. A dead connection is noticed
   * `timeoutMs` later. @default 30_000
   */
  watchMs?: number;
}

export interface Settings {
  readonly servers: readonly { readonly address: string; readonly tls: TlsOptions | undefined }[];
  readonly namespace: string;
  readonly podName: string | undefined;
  /** @throws MicroError 400 when the token's file can't be read. */
  readonly token: () => string | undefined;
}

const usualFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws MicroError 400 naming the address, file or variable, never a token. */
export function settingsOf(
  options: KubernetesRegistryOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const { addresses = [], podName = env.HOSTNAME } = options;
  return { ...(addresses.length === 0 ? inCluster(options, env) : outside(options, addresses)), podName };
}

function outside(options: KubernetesRegistryOptions, addresses: readonly string[]) {
  const { namespace = "default", token, tokenFile } = options;
  const tls = tlsWithFiles(options, "kubernetes");
  return {
    servers: addresses.map((address) => {
      const url = parse(address);
      const isPlain = url.protocol === "http:";
      return {
        address: `${url.hostname}:${url.port || (isPlain ? 80 : 443)}`,
        tls: isPlain ? undefined : (tls ?? {}),
      };
    }),
    namespace,
    token: tokenFile === undefined ? () => token || undefined : () => read(tokenFile),
  };
}

function inCluster(options: KubernetesRegistryOptions, env: Readonly<Record<string, string | undefined>>) {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (host === "") {
    throw badRequest(
      "go.micro.registry",
      "kubernetes: KUBERNETES_SERVICE_HOST is not set, so this is not a pod; give an API server as --registry_address",
    );
  }
  const folder = options.accountFolder ?? usualFolder;
  const { tokenFile = join(folder, "token"), tlsCaFile = join(folder, "ca.crt") } = options;
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return {
    servers: [{ address, tls: tlsWithFiles({ ...options, tlsCaFile }, "kubernetes") }],
    namespace: options.namespace ?? read(join(folder, "namespace")),
    token: () => read(tokenFile),
  };
}

function parse(address: string): URL {
  try {
    const url = new URL(/^https?:\/\//i.test(address) ? address : `https://${address}`);
    const isBare = /^\/?$/.test(`${url.pathname}${url.search}${url.hash}`);
    if (isBare && `${url.username}${url.password}` === "") return url;
  } catch {
    // The error of URL shows the whole text, which may hold a secret.
  }
  const shown = address.replace(/^(\w+:\/\/)?.*@/s, "$1***@").replace(/\?.*/s, "?***");
  throw badRequest(
    "go.micro.registry",
    `kubernetes address "${shown}" is not an address; write https://host:port, and give a token as --kubernetes_token_file`,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest("go.micro.registry", `kubernetes: the service account can't be read: ${why}`, { cause });
  }
}
