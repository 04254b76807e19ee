import { setMaxListeners } from "node:events";
import { MicroError, serviceUnavailable, type TlsOptions } from "ts-micro";
import { DialledAddresses, type Limit } from "ts-micro/client";
import type { Node } from "ts-micro/registry";
import { connectTcp } from "ts-micro/transport";
import { type Answer, Connection } from "./connection.ts";
import { HealthChecks } from "./health.ts";
import type { BrpcSettings } from "./options.ts";
import { newSharing, type Sharing } from "./sharing.ts";

export interface ConnectionsOptions extends BrpcSettings {
  readonly tls: TlsOptions | undefined;
  readonly dialTimeoutMs: number;
  readonly poolSize: number;
  readonly poolTtlMs: number;
}

/** The connections of one client. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #sharing: Sharing;
  readonly #health: HealthChecks;
  readonly #live = new Set<Connection>();
  readonly #addresses = new DialledAddresses();
  readonly #closing = new AbortController();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    // Each attempt to connect listens to it.
    setMaxListeners(0, this.#closing.signal);
    const { poolSize, poolTtlMs, connectionType } = options;
    const dial = (address: string): Promise<Connection> => this.#dial(address);
    this.#sharing = newSharing(connectionType, { poolSize, poolTtlMs, dial });
    this.#health = new HealthChecks(options.healthCheckIntervalMs, async (address) => {
      this.#sharing.give(await this.#connect(address));
    });
  }

  /**
   * Sends a request and gives its answer.
   * @param frame makes the request of the correlation id it is given
   * @throws MicroError with a reason: the answer did not come
   */
  async exchange(
    service: string,
    address: string,
    limit: Limit,
    frame: (id: number) => Buffer,
  ): Promise<Answer> {
    this.#addresses.add(service, address);
    limit.doing = "connecting to";
    limit.address = address;
    const taken = this.#sharing.take(address);
    const connection = taken instanceof Promise ? await this.#opened(taken, limit) : taken;
    limit.doing = "waiting for the answer of";
    let answered = false;
    try {
      const answer = await connection.call(frame, limit);
      answered = true;
      return answer;
    } finally {
      if (answered) this.#sharing.give(connection);
      // On a connection of its own the end of a call can be told, by closing it.
      else if (this.#options.connectionType !== "single") connection.retire();
    }
  }

  /** The service has only these nodes now: connections to others that it had take no further calls. */
  keepOnly(service: string, nodes: readonly Node[]): void {
    for (const address of this.#addresses.keepOnly(service, nodes)) {
      this.#sharing.drop(address);
      this.#health.forget(address);
    }
  }

  /** Breaks every connection. Attempts to connect fail. */
  close(): void {
    this.#closing.abort();
    this.#health.close();
    const closed = serviceUnavailable("brpc", "the client is closed", { reason: "closed" });
    for (const connection of this.#live) connection.destroy(closed);
  }

  /** One that comes too late for the call is there for the next. */
  async #opened(opening: Promise<Connection>, limit: Limit): Promise<Connection> {
    try {
      return await limit.race(opening);
    } catch (thrown) {
      opening.then(
        (connection) => this.#sharing.give(connection),
        () => {},
      );
      throw thrown;
    }
  }

  async #dial(address: string): Promise<Connection> {
    const problem = this.#health.problemOf(address);
    if (problem !== undefined) throw problem;
    try {
      return await this.#connect(address);
    } catch (thrown) {
      if (MicroError.is(thrown) && thrown.reason === "connection-failed")
        this.#health.failed(address, thrown);
      throw thrown;
    }
  }

  async #connect(address: string): Promise<Connection> {
    const { tls, dialTimeoutMs } = this.#options;
    const { signal } = this.#closing;
    const socket = await connectTcp(address, { tls, alpn: [], timeoutMs: dialTimeoutMs, signal });
    const connection = new Connection(address, socket, this.#options, () => this.#live.delete(connection));
    this.#live.add(connection);
    return connection;
  }
}
