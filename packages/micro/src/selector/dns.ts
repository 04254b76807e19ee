import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { joinAddress } from "../address.ts";
import { notImplemented } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import type { AvoidanceOptions } from "./avoidance.ts";
import { anyProtocol } from "./filters.ts";
import { newCachedSelector } from "./registry.ts";
import type { Selector, SelectorOptions } from "./selector.ts";

/** `addresses` are DNS servers, `host` or `host:port`; @default those of the machine */
export interface DnsSelectorOptions extends SelectorOptions, AvoidanceOptions {
  /** Where names without a port are looked up: `_<service>._tcp.<domain>`. @default "local", as go-micro */
  domain?: string;
  /** How long an answer counts, in milliseconds. go-micro asks for each call. @default 5_000 */
  ttlMs?: number;
}

/**
 * Asks DNS (`client/selector/dns/dns.go`): the name of a service is a `host:port`, whose addresses are its nodes, or
 * the name of SRV records. Of those, the ones of the lowest priority are used. When DNS fails, the last answer
 * counts on.
 */
export function newDnsSelector(options: DnsSelectorOptions = {}): Selector {
  const source = newDnsSource(options);
  const selector = newCachedSelector("dns", {
    ...options,
    ttlMs: options.ttlMs ?? 5_000,
    registry: () => source,
    watch: false,
  });
  async function close(): Promise<void> {
    await selector.close();
    await source.close();
  }
  return { ...selector, close, [Symbol.asyncDispose]: close };
}

/** DNS in the form of a registry that can only be read. */
function newDnsSource({ domain = "local", addresses = [], timeoutMs = 5_000 }: DnsSelectorOptions): Registry {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (addresses.length > 0) resolver.setServers(addresses);

  /** Without servers of its own the machine's way is taken, which knows its hosts file too. */
  async function addressesOf(host: string): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    if (addresses.length === 0) return (await lookup(host, { all: true })).map(({ address }) => address);
    const families = [resolver.resolve4(host), resolver.resolve6(host)].map((found) =>
      found.catch(noRecords),
    );
    return (await Promise.all(families)).flat();
  }

  async function placesOf(service: string): Promise<string[]> {
    const [, host = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(service) ?? [];
    if (port !== undefined) {
      return (await addressesOf(host)).map((address) => joinAddress(address, Number(port)));
    }
    const records = await resolver.resolveSrv(`_${service}._tcp.${domain}`);
    const first = Math.min(...records.map(({ priority }) => priority));
    return records
      .filter(({ priority }) => priority === first)
      .map(({ name, port }) => joinAddress(name, port));
  }

  const readOnly = async (): Promise<never> => {
    throw notImplemented("go.micro.client.selector", "DNS can only be asked", { reason: "not-supported" });
  };
  const close = async (): Promise<void> => resolver.cancel();
  return {
    name: "dns",
    async getService(name) {
      const places = [...new Set(await placesOf(name).catch(noRecords))];
      const nodes = places.map((address) => ({ id: address, address, metadata: { protocol: anyProtocol } }));
      return [{ name, version: "", metadata: {}, endpoints: [], nodes }];
    },
    register: readOnly,
    deregister: readOnly,
    listServices: readOnly,
    watch: readOnly,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Nothing there is an answer; anything else is a failure of DNS. */
function noRecords(error: unknown): string[] {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOTFOUND" || code === "ENODATA") return [];
  throw error;
}
