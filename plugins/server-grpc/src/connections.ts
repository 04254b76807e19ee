import type { Duplex } from "node:stream";
import type { MicroError } from "ts-micro";
import type { CallHost } from "./call.ts";
import { ServerConnection } from "./connection.ts";

/** The connections of one server, whoever has accepted them. */
export class Connections {
  readonly #host: CallHost;
  readonly #open = new Set<ServerConnection>();
  #closing = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(host: CallHost) {
    this.#host = host;
  }

  /** Serves one connection, from its first byte on, until it ends. */
  serve(socket: Duplex): void {
    const connection = new ServerConnection(socket, this.#host);
    this.#open.add(connection);
    this.#watch ??= setInterval(() => {
      for (const each of this.#open) each.check();
    }, this.#host.settings.pingIntervalMs).unref();
    socket.once("close", () => this.#open.delete(connection));
    // It was accepted before listening ended.
    if (this.#closing) void connection.leave();
  }

  /**
   * Callers that watch the registry go by themselves. The others are not told yet: HTTP/2's GOAWAY says which call was
   * the last, and Node takes none after it.
   */
  leave(): void {}

  /** Resolves when nothing is in flight any more. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#host.ownServices.close();
    await Promise.all([...this.#open].map((connection) => connection.leave()));
  }

  destroy(reason: MicroError): void {
    this.#closing = true;
    clearInterval(this.#watch);
    for (const connection of this.#open) connection.destroy(reason);
  }
}
