import { setMaxListeners } from "node:events";
import { notImplemented } from "../errors.ts";
import { alpn } from "../mux/link.ts";
import type { Node } from "../registry/registry.ts";
import type { Transport } from "../transport/transport.ts";
import { DialledAddresses } from "./dialled-addresses.ts";
import type { Limit } from "./limit.ts";
import { MuxConnection } from "./mux-connection.ts";
import type { ClientSettings } from "./settings.ts";

/** The connections of one client, one for each address. */
export class MuxConnections {
  readonly #settings: ClientSettings;
  /** Those that new calls may use, by address. */
  readonly #open = new Map<string, MuxConnection>();
  readonly #dialling = new Map<string, Promise<MuxConnection>>();
  /** Everything that is not closed, also what only finishes its calls. */
  readonly #live = new Set<MuxConnection>();
  readonly #addresses = new DialledAddresses();
  readonly #closing = new AbortController();
  #transport: Transport | undefined;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    // Each dial under way listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /** A connection that can be written to at once, if there is one. */
  ready(transport: Transport, address: string): MuxConnection | undefined {
    if (transport !== this.#transport) this.#useTransport(transport);
    const connection = this.#open.get(address);
    return connection?.ready === true ? connection : undefined;
  }

  /**
   * A connection, opened if there is none, that has room. All who want one to the same address share the dial.
   * @throws MicroError 503 `connection-failed`; nothing has left this process then. The limit's, when it ends first.
   */
  async connect(
    transport: Transport,
    service: string,
    address: string,
    limit: Limit,
  ): Promise<MuxConnection> {
    limit.doing = "connecting to";
    limit.address = address;
    for (;;) {
      const ready = this.ready(transport, address);
      if (ready !== undefined) return ready;
      const present = this.#open.get(address);
      await limit.race<unknown>(
        present?.usable ? present.whenDrained() : this.#dial(transport, service, address),
      );
    }
  }

  /** The service has only these nodes now: connections to others that it had finish their calls. */
  keepOnly(service: string, nodes: readonly Node[]): void {
    for (const address of this.#addresses.keepOnly(service, nodes)) this.#open.get(address)?.retire();
  }

  /** Breaks every connection. Dials under way fail. */
  close(): void {
    this.#closing.abort();
    for (const connection of this.#live) connection.destroy();
  }

  #dial(transport: Transport, service: string, address: string): Promise<MuxConnection> {
    this.#addresses.add(service, address);
    let dialling = this.#dialling.get(address);
    if (dialling === undefined) {
      dialling = this.#openOne(transport, address).finally(() => this.#dialling.delete(address));
      this.#dialling.set(address, dialling);
    }
    return dialling;
  }

  async #openOne(transport: Transport, address: string): Promise<MuxConnection> {
    if (transport.connect === undefined) {
      const detail = `the transport ${transport.name} has no connections that mux could use; choose --transport=http`;
      throw notImplemented("go.micro.client", detail, { reason: "not-supported" });
    }
    const socket = await transport.connect(address, {
      alpn,
      timeoutMs: this.#settings.dialTimeoutMs,
      signal: this.#closing.signal,
    });
    const maxBodyBytes = transport.maxMessageBytes ?? 4 * 1024 * 1024;
    const connection = new MuxConnection(socket, address, this.#settings, maxBodyBytes, {
      unusable: () => {
        if (this.#open.get(address) === connection) this.#open.delete(address);
      },
      closed: () => this.#live.delete(connection),
    });
    this.#live.add(connection);
    if (this.#closing.signal.aborted) connection.destroy();
    else this.#open.set(address, connection);
    return connection;
  }

  /** Connections belong to the transport that dialled them: after a swap the old ones only finish. */
  #useTransport(transport: Transport): void {
    this.#transport = transport;
    for (const connection of this.#live) connection.retire();
  }
}
