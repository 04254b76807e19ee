import { Pool, type PoolClient } from "pg";
import { type Logger, MicroError, serviceUnavailable, timeout } from "ts-micro";
import { storeId } from "ts-micro/store";
import { codeOf, refused, textOf } from "./failure.ts";
import type { Server } from "./options.ts";
import { statements } from "./statements.ts";

/** Connections to one server, made as they are needed. */
export interface Primary {
  readonly server: Server;
  /** When it answered anybody last, by `performance.now()`. */
  readonly answeredAt: number;
  /** @throws MicroError 408 after `limitMs`, 503 `connection-failed` when there is no connection, and what `work` throws */
  use<T>(limitMs: number, work: (client: PoolClient) => Promise<T>): Promise<T>;
  /** Closes what nobody uses now, and the others when they are done. Idempotent. */
  end(): Promise<void>;
}

export interface PrimaryOptions {
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly logger: Logger;
}

/**
 * Connects, and makes the table when it isn't there.
 * @throws MicroError 503 when the server is a standby, and what `use` throws
 */
export async function openPrimary(server: Server, options: PrimaryOptions): Promise<Primary> {
  const primary = connectionsTo(server, options);
  try {
    await primary.use(options.connectTimeoutMs, async (client) => {
      const { rows } = await client.query(statements.look);
      if (rows[0]?.is_standby === true) throw notConnected(server, "it is a standby; name the primary too");
      if (rows[0]?.has_table !== true) await client.query(statements.create);
    });
    return primary;
  } catch (error) {
    void primary.end();
    throw error;
  }
}

function connectionsTo(server: Server, { poolSize, connectTimeoutMs, logger }: PrimaryOptions): Primary {
  const pool = new Pool({
    ...server.config,
    max: poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    // Connections that nobody uses keep no process alive, also when they hang while they are closed.
    allowExitOnIdle: true,
  });
  // One that breaks while nobody uses it is taken out by the pool.
  pool.on("error", (error) => logger.debug(`a connection to ${server.hostPort} broke: ${textOf(error)}`));
  let answeredAt = performance.now();
  let ended: Promise<void> | undefined;

  async function connect(): Promise<PoolClient> {
    try {
      return await pool.connect();
    } catch (error) {
      if (isAnswer(error)) throw error;
      // What the library itself says of a password that it was not given, or that the server doesn't prove to know.
      if (textOf(error).startsWith("SASL: ")) throw refused(server.hostPort, error);
      // The library's words for one that waited until another is free.
      if (textOf(error) === "timeout exceeded when trying to connect")
        throw tooLate(server, connectTimeoutMs);
      throw notConnected(server, textOf(error), error);
    }
  }

  return {
    server,
    get answeredAt() {
      return answeredAt;
    },
    async use(limitMs, work) {
      const limit = newLimit(limitMs, () => tooLate(server, limitMs));
      const done = (async () => {
        const client = await connect();
        if (limit.isOver) {
          client.release();
          throw tooLate(server, limitMs);
        }
        // A connection that breaks now fails its query too; without a listener it would end the process.
        client.on("error", ignore);
        let isUsable = false;
        try {
          const result = await Promise.race([work(client), limit.over]);
          isUsable = true;
          return result;
        } catch (error) {
          isUsable = isAnswer(error);
          throw error;
        } finally {
          if (isUsable) {
            answeredAt = performance.now();
            client.off("error", ignore);
          }
          client.release(!isUsable);
        }
      })();
      try {
        return await Promise.race([done, limit.over]);
      } finally {
        limit.clear();
        done.catch(ignore);
      }
    },
    end() {
      ended ??= pool.end().catch((error: unknown) => logger.debug(textOf(error)));
      return ended;
    },
  };
}

interface Limit {
  readonly isOver: boolean;
  /** Never resolves. */
  readonly over: Promise<never>;
  clear(): void;
}

function newLimit(limitMs: number, error: () => MicroError): Limit {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true;
      reject(error());
    }, limitMs);
  });
  over.catch(ignore);
  return {
    get isOver() {
      return isOver;
    },
    over,
    clear: () => clearTimeout(timer),
  };
}

function ignore(): void {}

/** The server said it itself, and so can say more on the same connection, but for what ends that. */
function isAnswer(error: unknown): boolean {
  return !MicroError.is(error) && /^(?!08|57P)[0-9A-Z]{5}$/.test(codeOf(error));
}

function tooLate(server: Server, limitMs: number): MicroError {
  const detail = `PostgreSQL at ${server.hostPort} didn't answer within ${Math.ceil(limitMs)} ms`;
  return timeout(storeId, detail, { reason: "timeout" });
}

function notConnected(server: Server, why: string, cause?: unknown): MicroError {
  const detail = `PostgreSQL at ${server.hostPort}: ${why}`;
  return serviceUnavailable(storeId, detail, { reason: "connection-failed", cause });
}
