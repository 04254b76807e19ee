import { Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import { joinAddress } from "../address.ts";

/** The `host:port` of this end; empty when the stream is no socket. */
export function localAddressOf(stream: Duplex): string {
  return stream instanceof NetSocket ? joinAddress(plainHost(stream.localAddress), stream.localPort) : "";
}

/** The `host:port` of the other end, for `Context.peer`; empty when the stream is no socket. */
export function remoteAddressOf(stream: Duplex): string {
  return stream instanceof NetSocket ? joinAddress(plainHost(stream.remoteAddress), stream.remotePort) : "";
}

/** An IPv4 peer of a socket that listens on both families looks like `::ffff:10.0.0.1`. */
function plainHost(host = ""): string {
  return host.replace(/^::ffff:(?=\d+\.)/, "");
}
