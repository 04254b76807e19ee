import type { Duplex } from "node:stream";
import type { Protocol } from "ts-micro/transport";

/** What every HTTP/2 client sends first, in plain text without having asked (RFC 9113 §3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** gRPC as one of the protocols of a port. `serve` is given each connection that speaks it. */
export function grpcProtocol(serve: (connection: Duplex) => void): Protocol {
  return {
    name: "grpc",
    alpn: ["h2"],
    matches(firstBytes) {
      const length = Math.min(firstBytes.length, preface.length);
      if (preface.compare(firstBytes, 0, length, 0, length) !== 0) return false;
      return length === preface.length ? true : undefined;
    },
    serve,
  };
}
