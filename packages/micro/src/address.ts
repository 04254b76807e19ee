/**
 * Addresses as Go writes them: `host:port`, `:port`, `[::1]:port`, and `host:min-max` for listening.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { badRequest } from "./errors.ts";

export interface Address {
  /** Without brackets; empty when the address begins with its port. */
  host: string;
  /** `undefined` when the address has none. */
  port: number | undefined;
}

/** Where to listen: the first free port from `minPort` to `maxPort`. Both are 0 for a port of the system's choice. */
export interface ListenAddress {
  /** Empty for all interfaces. */
  host: string;
  minPort: number;
  maxPort: number;
}

/**
 * Splits `host:port`. A host alone is fine; an IPv6 address needs brackets only when a port follows.
 * @throws MicroError 400 naming the address.
 */
export function parseAddress(address: string): Address {
  const { host, port } = split(address);
  return { host, port: port === undefined ? undefined : portNumber(port, address) };
}

/**
 * Reads an address to listen on; a host alone means any port.
 * @throws MicroError 400 naming the address.
 */
export function parseListenAddress(address: string): ListenAddress {
  const { host, port = "0" } = split(address);
  const [min = "", max = min, ...more] = port.split("-");
  const minPort = portNumber(min, address);
  const maxPort = portNumber(max, address);
  if (more.length > 0 || maxPort < minPort || (minPort === 0 && maxPort !== 0)) {
    throw malformed(address, `"${port}" is not a range of ports`);
  }
  return { host, minPort, maxPort };
}

/** `host:port`, with brackets around an IPv6 address; the host alone without a port. */
export function joinAddress(host: string, port?: number): string {
  if (port === undefined) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * The host that others can reach, for a host that was listened on (go-micro `util/addr/addr.go`).
 *
 * A host that is no wildcard is given back. Otherwise the first private address of the interfaces, or
 * the last other one. Unlike go-micro, an address that only this machine or only this link understands is never
 * preferred to one that others can use, and `0.0.0.0` is never answered with an IPv6 address. `127.0.0.1` when
 * there is nothing but loopback.
 */
export function advertisedHost(host: string, interfaces = networkInterfaces()): string {
  const wanted = unbracket(host);
  if (wanted !== "" && wanted !== "0.0.0.0" && wanted !== "::") return wanted;
  const addresses = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !inList(linkLocal, address))
    .map(({ address }) => address)
    .filter((address) => wanted !== "0.0.0.0" || !isIPv6(address));
  return addresses.find((address) => inList(privateNetworks, address)) ?? addresses.at(-1) ?? "127.0.0.1";
}

const privateNetworks = new BlockList();
privateNetworks.addSubnet("10.0.0.0", 8);
privateNetworks.addSubnet("172.16.0.0", 12);
privateNetworks.addSubnet("192.168.0.0", 16);
privateNetworks.addSubnet("100.64.0.0", 10);
privateNetworks.addSubnet("fd00::", 8, "ipv6");

const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16);
linkLocal.addSubnet("fe80::", 10, "ipv6");

function inList(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function split(address: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(address);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!isIPv6(host)) throw malformed(address, `"${host}" is not an IPv6 address`);
    return { host, port };
  }
  if (isIPv6(address)) return { host: address, port: undefined };
  const colon = address.indexOf(":");
  const host = colon === -1 ? address : address.slice(0, colon);
  // What would be read differently in a `Host` header or a URL is no host.
  if (!/^[^\s/?#@[\]\\\x00-\x1f\x7f]*$/.test(host)) throw malformed(address, `"${host}" is not a host`);
  return { host, port: colon === -1 ? undefined : address.slice(colon + 1) };
}

function portNumber(text: string, address: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw malformed(address, `"${text}" is not a port from 0 to 65535`);
  return port;
}

function unbracket(host: string): string {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? host : bare;
}

function malformed(address: string, why: string) {
  return badRequest(
    "go.micro.address",
    `address "${address}": ${why}; write host:port, such as 127.0.0.1:8080`,
  );
}
