import { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { joinAddress } from "../address.ts";

/** The `host:port` of this end, or what a transport's own stream has as `local`; else empty. */
export function localAddressOf(stream: Duplex): string {
  if (stream instanceof NetSocket) return joinAddress(plainHost(stream.localAddress), stream.localPort);
  return "local" in stream && typeof stream.local === "string" ? stream.local : "";
}

/** The same of the other end, for `Context.peer`. */
export function remoteAddressOf(stream: Duplex): string {
  if (stream instanceof NetSocket) return joinAddress(plainHost(stream.remoteAddress), stream.remotePort);
  return "remote" in stream && typeof stream.remote === "string" ? stream.remote : "";
}

/** An IPv4 peer of a socket that listens on both families looks like `::ffff:10.0.0.1`. */
function plainHost(host = ""): string {
  return host.replace(/^::ffff:(?=\d+\.)/, "");
}
