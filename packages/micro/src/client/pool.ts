import { setMaxListeners } from "node:events";
import type { Node } from "../registry/registry.ts";
import type { Transport } from "../transport/transport.ts";
import { Connection } from "./connection.ts";
import { DialledAddresses } from "./dialled-addresses.ts";
import type { Limit } from "./limit.ts";

export interface PoolOptions {
  /** Idle connections kept per address. */
  size: number;
  /** Age from which on a connection isn't used again, in milliseconds (go-micro counts from the dial, too). */
  ttlMs: number;
  dialTimeoutMs: number;
}

/**
 * The connections of one client. Idle ones wait on a stack per address, so that under little load few stay
 * busy and the others grow old. How many are in use at a time is not limited.
 */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle = new Map<string, Connection[]>();
  /** Dialled and not ended, idle or not. */
  readonly #live = new Set<Connection>();
  readonly #addresses = new DialledAddresses();
  readonly #closing = new AbortController();
  #transport: Transport | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    // Each dial under way listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /** An idle connection that can be written to at once, if there is one; it then is the caller's. */
  take(transport: Transport, address: string): Connection | undefined {
    if (transport !== this.#transport) this.#useTransport(transport);
    const stack = this.#idle.get(address);
    if (stack === undefined) return undefined;
    const oldest = performance.now() - this.#options.ttlMs;
    for (let connection = stack.pop(); connection !== undefined; connection = stack.pop()) {
      if (connection.since > oldest && connection.reusable && !connection.ended) return connection;
      connection.close();
    }
    return undefined;
  }

  /**
   * A new connection, which is the caller's. One that comes too late for the limit waits for the next call.
   * @throws MicroError 503 with a reason; nothing has left this process then.
   */
  async dial(transport: Transport, service: string, address: string, limit: Limit): Promise<Connection> {
    limit.doing = "connecting to";
    limit.address = address;
    const dialling = this.#dial(transport, service, address);
    try {
      return await limit.race(dialling);
    } catch (thrown) {
      dialling.then(
        (connection) => this.release(connection),
        () => {},
      );
      throw thrown;
    }
  }

  /** Gives a connection back: its call is over, and no further message is expected on it. */
  release(connection: Connection): void {
    if (!connection.reusable || connection.ended || this.#closing.signal.aborted) {
      connection.close();
      return;
    }
    const stack = this.#idle.get(connection.address);
    if ((stack?.length ?? 0) >= this.#options.size) {
      connection.close();
      return;
    }
    if (stack === undefined) this.#idle.set(connection.address, [connection]);
    else stack.push(connection);
    this.#timer ??= this.#expireLater();
  }

  /** The service has only these nodes now: connections to others that it had are not used again. */
  keepOnly(service: string, nodes: readonly Node[]): void {
    for (const address of this.#addresses.keepOnly(service, nodes)) this.drop(address);
  }

  /** Closes the idle connections to `address`; those at work are closed after their call. */
  drop(address: string): void {
    for (const connection of this.#live) {
      if (connection.address === address) connection.reusable = false;
    }
    this.#closeIdle(address);
  }

  /** Breaks every connection. Dials under way fail. */
  close(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
    for (const connection of this.#live) connection.destroy();
    this.#idle.clear();
    this.#live.clear();
  }

  async #dial(transport: Transport, service: string, address: string): Promise<Connection> {
    if (transport !== this.#transport) this.#useTransport(transport);
    const connection = new Connection(address, (ended) => this.#remove(ended));
    this.#live.add(connection);
    this.#addresses.add(service, address);
    await connection.dial(transport, {
      timeoutMs: this.#options.dialTimeoutMs,
      signal: this.#closing.signal,
    });
    return connection;
  }

  /** Connections belong to the transport that dialled them: after a swap the old ones only finish. */
  #useTransport(transport: Transport): void {
    this.#transport = transport;
    for (const connection of this.#live) connection.reusable = false;
    for (const address of [...this.#idle.keys()]) this.#closeIdle(address);
  }

  #closeIdle(address: string): void {
    const stack = this.#idle.get(address);
    this.#idle.delete(address);
    if (stack !== undefined) for (const connection of stack) connection.close();
  }

  /** A connection has ended, perhaps while it was idle. */
  #remove(connection: Connection): void {
    this.#live.delete(connection);
    const stack = this.#idle.get(connection.address);
    const at = stack?.indexOf(connection) ?? -1;
    if (stack === undefined || at === -1) return;
    if (stack.length === 1) this.#idle.delete(connection.address);
    else stack.splice(at, 1);
  }

  /** Closes what has grown old unused. Runs only while something is idle. */
  #expireLater(): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        this.#timer = undefined;
        const oldest = performance.now() - this.#options.ttlMs;
        for (const [address, stack] of [...this.#idle]) {
          const young = stack.filter((connection) => connection.since > oldest);
          if (young.length === 0) this.#idle.delete(address);
          else this.#idle.set(address, young);
          for (const connection of stack) if (connection.since <= oldest) connection.close();
        }
        if (this.#idle.size > 0) this.#timer = this.#expireLater();
      },
      Math.min(this.#options.ttlMs, 0x7fff_ffff),
    );
    return timer.unref();
  }
}
