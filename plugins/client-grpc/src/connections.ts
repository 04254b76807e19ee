import { setMaxListeners } from "node:events";
import { DialledAddresses, type Limit } from "ts-micro/client";
import type { Node } from "ts-micro/registry";
import { Connection, type ConnectionOptions } from "./connection.ts";

export interface ConnectionsOptions extends Omit<ConnectionOptions, "signal"> {
  /** Connections per address, at most. */
  readonly size: number;
  /** Idle time after which a connection is closed, in milliseconds. */
  readonly ttlMs: number;
}

/** The connections of one client. An address has one, and another whenever all of its are full. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<string, Connection[]>();
  /** One dial per address at a time: whoever comes meanwhile waits for it, too. */
  readonly #dialling = new Map<string, Promise<Connection>>();
  readonly #addresses = new DialledAddresses();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
  }

  /** A place on a connection that takes a call now, if there is one. */
  take(address: string): Connection | undefined {
    const open = this.#open.get(address);
    if (open === undefined) return undefined;
    for (const connection of open) if (connection.usable && !connection.full) return connection.reserve();
    return undefined;
  }

  /**
   * A place, on a connection that is dialled when need be. When the address has as many as it may, on the emptiest:
   * what is too much for the server waits there.
   * @throws MicroError 503 `connection-failed`; nothing has left this process then
   */
  async get(service: string, address: string, limit: Limit): Promise<Connection> {
    this.#addresses.add(service, address);
    for (;;) {
      const usable = (this.#open.get(address) ?? []).filter((connection) => connection.usable);
      if (usable.length >= this.#options.size) {
        return usable.reduce((least, each) => (each.streams < least.streams ? each : least)).reserve();
      }
      limit.doing = "connecting to";
      limit.address = address;
      const dialled = await limit.race(this.#dial(address));
      // Others have waited for it as well, and may have filled it.
      if (!dialled.full) return dialled.reserve();
      const other = this.take(address);
      if (other !== undefined) return other;
    }
  }

  /** The service has only these nodes now: connections to others that it had finish what they have. */
  keepOnly(service: string, nodes: readonly Node[]): void {
    for (const address of this.#addresses.keepOnly(service, nodes)) {
      for (const connection of this.#open.get(address) ?? []) connection.leave();
      this.#open.delete(address);
    }
  }

  /** Breaks every connection. Dials under way fail. */
  close(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
    for (const connection of [...this.#open.values()].flat()) connection.destroy();
    this.#open.clear();
  }

  #dial(address: string): Promise<Connection> {
    const present = this.#dialling.get(address);
    if (present !== undefined) return present;
    const dialling = Connection.open(address, { ...this.#options, signal: this.#closing.signal });
    this.#dialling.set(address, dialling);
    dialling.then(
      (connection) => {
        this.#dialling.delete(address);
        if (this.#closing.signal.aborted) connection.destroy();
        else this.#add(address, connection);
      },
      () => this.#dialling.delete(address),
    );
    return dialling;
  }

  #add(address: string, connection: Connection): void {
    const usable = (this.#open.get(address) ?? []).filter((each) => each.usable);
    this.#open.set(address, [...usable, connection]);
    this.#timer ??= this.#expireLater();
  }

  /** Closes what nobody has used for long. Runs only while something is open. */
  #expireLater(): NodeJS.Timeout {
    const period = Math.min(this.#options.ttlMs, 0x7fff_ffff);
    const timer = setTimeout(() => {
      this.#timer = undefined;
      const oldest = performance.now() - this.#options.ttlMs;
      for (const [address, open] of [...this.#open]) {
        const kept = open.filter((each) => !each.gone && (each.streams > 0 || each.idleSince > oldest));
        for (const each of open) if (!kept.includes(each)) each.leave();
        if (kept.length === 0) this.#open.delete(address);
        else this.#open.set(address, kept);
      }
      if (this.#open.size > 0) this.#timer = this.#expireLater();
    }, period);
    return timer.unref();
  }
}
