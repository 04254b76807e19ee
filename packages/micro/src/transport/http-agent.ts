import { Agent, type ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "../parts.ts";
import { connectTcp } from "./connect.ts";

/**
 * For a plugin's `node:http` requests to one server: connections are made by `connectTcp`, with its limit and its
 * errors. Idle ones are kept for the next request, and don't keep the process alive.
 */
export class HttpAgent extends Agent {
  /** `host:port` */
  readonly address: string;
  readonly #tls: TlsOptions | undefined;
  readonly #timeoutMs: number;

  /** @param timeoutMs limit of making a connection */
  constructor(address: string, { tls, timeoutMs }: { tls: TlsOptions | undefined; timeoutMs: number }) {
    super({ keepAlive: true, maxFreeSockets: 4 });
    this.address = address;
    this.#tls = tls;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(
    _: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const options = { tls: this.#tls, alpn: ["http/1.1"], timeoutMs: this.#timeoutMs };
    connectTcp(this.address, options).then(
      (socket) => callback?.(null, socket),
      // Node's types want a stream beside an error, which Node ignores.
      (error) => callback?.(error, undefined as unknown as Duplex),
    );
  }
}
