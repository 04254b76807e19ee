import { badRequest, type TlsOptions } from "ts-micro";
import type { RegistryOptions } from "ts-micro/registry";
import { type TlsPaths, tlsWithFiles } from "ts-micro/transport";

export interface EtcdRegistryOptions extends RegistryOptions, TlsPaths {
  /**
   * The members of one cluster: `host`, `host:port`, or a URL `https://user:password@host:port`. The credentials
   * of a URL count for all of them and win over `user` and `password`. @default ["127.0.0.1:2379"]
   */
  addresses?: readonly string[];
  user?: string;
  password?: string;
  /** Limit of one operation, however many members are tried, in milliseconds. @default 5_000, as go-micro */
  timeoutMs?: number;
  /**
   * A watch that hears nothing for this long is opened anew, in milliseconds; a dead connection is noticed
   * `timeoutMs` later. @default 10_000
   */
  silenceMs?: number;
  /**
   * How long watchers keep nodes that are missing after etcd lost its data, in milliseconds: their services
   * register again in this time. @default 45_000, one and a half of the usual `registerIntervalMs`
   */
  graceMs?: number;
}

/** A member of the cluster. */
export interface Endpoint {
  /** `host:port` */
  readonly address: string;
  readonly tls: TlsOptions | undefined;
}

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

export interface Settings {
  readonly endpoints: readonly Endpoint[];
  readonly credentials: Credentials | undefined;
}

/** @throws MicroError 400 naming the address or the file, never a password. */
export function settingsOf(options: EtcdRegistryOptions): Settings {
  const tls = tlsWithFiles(options, "etcd");
  const given = options.addresses ?? [];
  const members = (given.length === 0 ? ["127.0.0.1"] : given).map(parse);
  const endpoints = members.map(({ url, secure }) => ({
    address: `${url.hostname}:${url.port === "" ? 2379 : url.port}`,
    tls: tls ?? (secure ? {} : undefined),
  }));
  const withUser = members.find(({ url }) => url.username !== "")?.url;
  const name = withUser === undefined ? options.user : decodeURIComponent(withUser.username);
  const password = withUser === undefined ? options.password : decodeURIComponent(withUser.password);
  const credentials = name === undefined || name === "" ? undefined : { name, password: password ?? "" };
  return { endpoints, credentials };
}

function parse(address: string): { url: URL; secure: boolean } {
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?(.*)$/is.exec(address.trim()) ?? [];
  try {
    // A scheme of no default port, which URLs would leave out: the one of etcd is 2379.
    const url = new URL(`etcd://${rest}`);
    decodeURIComponent(`${url.username}${url.password}`);
    const isBare = /^\/?$/.test(url.pathname) && url.search === "" && url.hash === "";
    if (url.hostname !== "" && isBare) return { url, secure: scheme?.toLowerCase() === "https" };
  } catch {
    // The error of URL shows the whole text, with the password.
  }
  throw malformed(address);
}

function malformed(address: string) {
  const shown = address.replace(/^(\w+:\/\/)?.*@/s, "$1***@");
  return badRequest(
    "go.micro.registry",
    `etcd address "${shown}" is not an address; write host:port or https://user:password@host:port, with the user and password percent-encoded`,
  );
}
