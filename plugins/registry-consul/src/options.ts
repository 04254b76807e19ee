import { readFileSync } from "node:fs";
import { badRequest, type TlsOptions } from "ts-micro";
import type { RegistryOptions } from "ts-micro/registry";
import { type TlsPaths, tlsWithFiles } from "ts-micro/transport";

export interface ConsulRegistryOptions extends RegistryOptions, TlsPaths {
  /** Agents of one cluster: `host`, `host:port` or `https://host:port`. @default [`agentAddress`] */
  addresses?: readonly string[];
  /** The agent when there are no `addresses`, as Consul's own tools find it. @default "127.0.0.1:8500" */
  agentAddress?: string;
  /** ACL token of all requests. */
  token?: string;
  /** A file with the token, read anew for each request. Wins over `token`. */
  tokenFile?: string;
  /** Limit of one operation, however many agents are tried, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /**
   * How long Consul holds back the answer to a watch while nothing changes, in milliseconds. A dead connection is
   * noticed after this, a sixteenth more and `timeoutMs`. @default 10_000
   */
  holdMs?: number;
  /**
   * How long watchers keep nodes that went missing while Consul was down, in milliseconds: their services
   * register again in this time. @default 45_000, one and a half of the usual `registerIntervalMs`
   */
  graceMs?: number;
}

export interface Settings {
  /** Each `host:port`. */
  readonly agents: readonly { readonly address: string; readonly tls: TlsOptions | undefined }[];
  /** @throws MicroError 400 when the token's file can't be read. */
  readonly token: () => string | undefined;
}

/** @throws MicroError 400 naming the address or the file, never a token. */
export function settingsOf(options: ConsulRegistryOptions): Settings {
  const { agentAddress, addresses, token, tokenFile } = options;
  const tls = tlsWithFiles(options, "consul");
  const given = addresses === undefined || addresses.length === 0 ? [agentAddress ?? "127.0.0.1"] : addresses;
  const agents = given.map((address) => {
    const { url, secure } = parse(address);
    return {
      address: `${url.hostname}:${url.port === "" ? 8500 : url.port}`,
      tls: tls ?? (secure ? {} : undefined),
    };
  });
  if (tokenFile === undefined) return { agents, token: () => (token === "" ? undefined : token) };
  readToken(tokenFile);
  return { agents, token: () => readToken(tokenFile) };
}

function parse(address: string): { url: URL; secure: boolean } {
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?(.*)$/is.exec(address.trim()) ?? [];
  try {
    // A scheme of no default port, which URLs would leave out: the one of Consul is 8500.
    const url = new URL(`consul://${rest}`);
    const isBare = `${url.pathname}${url.search}${url.hash}`.replace(/^\/$/, "") === "";
    if (url.hostname !== "" && isBare && `${url.username}${url.password}` === "") {
      return { url, secure: scheme?.toLowerCase() === "https" };
    }
  } catch {
    // The error of URL shows the whole text, which may hold a secret.
  }
  throw malformed(address);
}

function malformed(address: string) {
  const shown = address.replace(/^(\w+:\/\/)?.*@/s, "$1***@").replace(/\?.*/s, "?***");
  return badRequest(
    "go.micro.registry",
    `consul address "${shown}" is not an address; write host:port or https://host:port, and give a token as CONSUL_HTTP_TOKEN`,
  );
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest("go.micro.registry", `consul tokenFile can't be read: ${why}`, { cause });
  }
}
