import type { Connection } from "./connection.ts";
import type { ConnectionType } from "./options.ts";

/** How the calls to an address share connections. */
export interface Sharing {
  /** A connection for one call, at once where there is one. Rejects as `dial` does. */
  take(address: string): Connection | Promise<Connection>;
  /** A connection without a call: its call was answered, or a health check has opened it. */
  give(connection: Connection): void;
  /** The address is no longer called: its connections close when their calls have ended. */
  drop(address: string): void;
}

export interface SharingOptions {
  readonly poolSize: number;
  readonly poolTtlMs: number;
  dial(address: string): Promise<Connection>;
}

export function newSharing(type: ConnectionType, options: SharingOptions): Sharing {
  switch (type) {
    case "single":
      return new Single(options);
    case "pooled":
      return new Pooled(options);
    case "short":
      return new Short(options);
  }
}

class Single implements Sharing {
  readonly #dial: SharingOptions["dial"];
  /** The connection in use, or the attempt to open it. */
  readonly #shared = new Map<string, Connection | Promise<Connection>>();

  constructor({ dial }: SharingOptions) {
    this.#dial = dial;
  }

  take(address: string): Connection | Promise<Connection> {
    const present = this.#shared.get(address);
    if (present !== undefined && (present instanceof Promise || present.usable)) return present;
    const opening = this.#dial(address);
    this.#shared.set(address, opening);
    // Unless it was dropped meanwhile, and perhaps replaced.
    const mine = (): boolean => this.#shared.get(address) === opening;
    opening.then(
      (connection) => mine() && this.#shared.set(address, connection),
      () => mine() && this.#shared.delete(address),
    );
    return opening;
  }

  give(connection: Connection): void {
    const present = this.#shared.get(connection.address);
    if (present === undefined) this.#shared.set(connection.address, connection);
    else if (present !== connection) connection.retire();
  }

  drop(address: string): void {
    const present = this.#shared.get(address);
    this.#shared.delete(address);
    if (present instanceof Promise) {
      present.then(
        (connection) => connection.retire(),
        () => {},
      );
    } else present?.retire();
  }
}

class Pooled implements Sharing {
  readonly #options: SharingOptions;
  /** Those without a call, the latest last: under little load the others grow old. */
  readonly #idle = new Map<string, { connection: Connection; since: number }[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  take(address: string): Connection | Promise<Connection> {
    const idle = this.#idle.get(address);
    for (let last = idle?.pop(); last !== undefined; last = idle?.pop()) {
      if (last.connection.usable) return last.connection;
    }
    return this.#options.dial(address);
  }

  give(connection: Connection): void {
    const idle = this.#idle.get(connection.address) ?? [];
    if (!connection.usable || idle.length >= this.#options.poolSize) {
      connection.retire();
      return;
    }
    idle.push({ connection, since: performance.now() });
    this.#idle.set(connection.address, idle);
    this.#timer ??= this.#retireLater();
  }

  drop(address: string): void {
    for (const { connection } of this.#idle.get(address) ?? []) connection.retire();
    this.#idle.delete(address);
  }

  /** Closes what has grown old unused. Runs only while something is idle. */
  #retireLater(): NodeJS.Timeout {
    const { poolTtlMs } = this.#options;
    const retire = (): void => {
      const oldest = performance.now() - poolTtlMs;
      for (const [address, idle] of [...this.#idle]) {
        const young = idle.filter(({ since }) => since > oldest);
        if (young.length === 0) this.#idle.delete(address);
        else this.#idle.set(address, young);
        for (const { connection, since } of idle) if (since <= oldest) connection.retire();
      }
      this.#timer = this.#idle.size > 0 ? this.#retireLater() : undefined;
    };
    return setTimeout(retire, Math.min(poolTtlMs, 0x7fff_ffff)).unref();
  }
}

class Short implements Sharing {
  readonly #dial: SharingOptions["dial"];

  constructor({ dial }: SharingOptions) {
    this.#dial = dial;
  }

  take(address: string): Promise<Connection> {
    return this.#dial(address);
  }

  give(connection: Connection): void {
    connection.retire();
  }

  drop(): void {}
}
