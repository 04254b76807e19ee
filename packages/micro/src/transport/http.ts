/**
 * The default transport: each message is one HTTP/1.1 request or one 200 answer on a TCP connection, byte-compatible
 * with go-micro's (`transport/http_transport.go`). Requests and answers are not paired here, which is what mucp's
 * streams need and what `node:http` can't do.
 */
import type { Socket } from "node:net";
import { newLogger } from "../logger.ts";
import { tlsOf } from "../tls.ts";
import { connectionFailed, connectTcp } from "./connect.ts";
import { openHttp } from "./http-client.ts";
import { acceptHttp } from "./http-server.ts";
import { listenTcp } from "./listener.ts";
import type { ConnectOptions, Protocol, Transport, TransportOptions } from "./transport.ts";

export interface HttpTransportOptions extends TransportOptions {
  /**
   * Time for a client to send a complete head, the first one counted from the connection on, in milliseconds. An
   * idle connection may then wait as long as it likes: Go's pools keep theirs for a minute.
   * @default 10_000
   */
  headTimeoutMs?: number;
}

const alpn = ["http/1.1"] as const;

/** Verifies certificates unless `tls.insecureSkipVerify` is set. `timeoutMs` limits dialling; default 5_000. */
export function newHttpTransport(options: HttpTransportOptions = {}): Transport {
  const { maxMessageBytes = 4 * 1024 * 1024, headTimeoutMs = 10_000, timeoutMs = 5_000 } = options;
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });

  function connect(
    address: string,
    connectOptions: ConnectOptions,
    read?: (bytes: Buffer) => void,
  ): Promise<Socket> {
    const { timeoutMs: limitMs = timeoutMs, ...rest } = connectOptions;
    return connectTcp(address, { tls: tlsOf(options), timeoutMs: limitMs, ...rest, read });
  }

  return {
    name: "http",
    maxMessageBytes,
    sharesPort: true,

    connect: (address, connectOptions) => connect(address, connectOptions),

    async dial(address, events, dialOptions = {}) {
      const early: Buffer[] = [];
      let read = (bytes: Buffer): void => void early.push(Buffer.from(bytes));
      const connection = await connect(address, { ...dialOptions, alpn }, (bytes) => read(bytes));
      if (connection.destroyed) throw connectionFailed(address, "the connection was closed at once");
      const socket = openHttp(connection, address, events, { maxMessageBytes });
      read = (bytes) => socket.read(bytes, true);
      for (const bytes of early) socket.read(bytes);
      return socket;
    },

    listen(address, accept, listenOptions = {}) {
      const http: Protocol = {
        name: "http/1.1",
        alpn,
        // Last in the list: what nobody else claims gets an answer that says what is spoken here.
        matches: () => true,
        serve: (connection) => acceptHttp(connection, accept, { maxMessageBytes, headTimeoutMs, logger }),
      };
      return listenTcp(address, {
        tls: listenOptions.tls ?? tlsOf(options),
        protocols: [...(listenOptions.protocols ?? []), http],
        headTimeoutMs,
        logger,
      });
    },

    // Sockets and listeners belong to those who opened them.
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
}
