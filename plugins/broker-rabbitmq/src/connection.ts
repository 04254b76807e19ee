import { setTimeout as pause } from "node:timers/promises";
import { type Logger, MicroError, retryWaitMs, serviceUnavailable, unauthorized } from "ts-micro";
import { brokerErrorId, notConnected } from "ts-micro/broker";
import { tlsProblem } from "ts-micro/transport";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import { openSession, type Session } from "./session.ts";

/** A connection that comes back until it is closed. What lived on it has to be made again: see `keep`. */
export interface Connection {
  /** `host:port` of the node; empty while there is none. */
  readonly server: string;
  /**
   * Resolves when a node has taken us. Twice is once.
   * @throws MicroError 503 `connection-failed` naming every node and why, 401 when all of them refuse the credentials
   */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * What is connected now.
   * @throws MicroError 503 `not-connected`
   */
  session(): Session;
  /** The present connection, or the next one; `undefined` when the signal aborts before. */
  next(signal: AbortSignal): Promise<Session | undefined>;
}

export function newConnection(
  servers: readonly ServerAddress[],
  options: RabbitmqBrokerOptions,
  logger: Logger,
): Connection {
  const { maxReconnectWaitMs = defaults.maxReconnectWaitMs } = options;
  const waiting = new Set<(session: Session | undefined) => void>();
  let session: Session | undefined;
  let opening: Promise<void> | undefined;
  let closing: AbortController | undefined;
  let keptUp: Promise<void> = Promise.resolve();

  return {
    get server() {
      return session?.server ?? "";
    },

    open(): Promise<void> {
      opening ??= open().catch((thrown: unknown) => {
        opening = undefined;
        throw thrown;
      });
      return opening;
    },

    async close(): Promise<void> {
      await opening?.catch(() => {});
      closing?.abort();
      await session?.end();
      await keptUp;
      session = undefined;
      opening = undefined;
    },

    session(): Session {
      if (session !== undefined) return session;
      throw opening === undefined ? notConnected("rabbitmq") : noServer(servers);
    },

    next(signal: AbortSignal): Promise<Session | undefined> {
      if (session !== undefined || signal.aborted) return Promise.resolve(session);
      return new Promise((resolve) => {
        const settle = (found: Session | undefined): void => {
          waiting.delete(settle);
          signal.removeEventListener("abort", giveUp);
          resolve(found);
        };
        const giveUp = (): void => settle(undefined);
        waiting.add(settle);
        signal.addEventListener("abort", giveUp);
      });
    },
  };

  async function open(): Promise<void> {
    const first = await openAny();
    const ending = new AbortController();
    closing = ending;
    session = first;
    keptUp = keepUp(first, ending.signal);
  }

  async function keepUp(first: Session, signal: AbortSignal): Promise<void> {
    let present = first;
    for (;;) {
      const reason = await present.ended;
      session = undefined;
      if (signal.aborted) return;
      logger.warn(`lost rabbitmq node ${present.server}: ${reason}; connecting again`);
      const next = await openAgain(signal);
      if (next === undefined) return;
      logger.info(`connected to rabbitmq node ${next.server} again`);
      present = next;
      session = next;
      for (const settle of [...waiting]) settle(next);
    }
  }

  /** `undefined` when the connection is closed meanwhile. */
  async function openAgain(signal: AbortSignal): Promise<Session | undefined> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      await pause(retryWaitMs(attempt + 1, maxReconnectWaitMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
      try {
        const next = await openAny();
        if (!signal.aborted) return next;
        await next.end();
      } catch (thrown) {
        const text = `can't reach rabbitmq yet: ${MicroError.from(thrown).detail}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
      }
    }
    return undefined;
  }

  async function openAny(): Promise<Session> {
    const failures: { server: ServerAddress; thrown: unknown }[] = [];
    for (const server of servers) {
      try {
        return await openSession(server, options);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    throw unreachable(failures);
  }
}

function noServer(servers: readonly ServerAddress[]): MicroError {
  const names = servers.map(({ hostPort }) => hostPort).join(", ");
  const detail = `broker rabbitmq is not connected: no node of ${names} can be reached at present; it goes on trying`;
  return serviceUnavailable(brokerErrorId, detail, { reason: "not-connected" });
}

function unreachable(failures: readonly { server: ServerAddress; thrown: unknown }[]): MicroError {
  const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${textOf(thrown)}`);
  const detail = `can't connect to rabbitmq: ${sentences.join("; ")}`;
  const cause = failures.at(-1)?.thrown;
  if (failures.every(({ thrown }) => /ACCESS.REFUSED/.test(String(thrown))))
    return unauthorized(brokerErrorId, detail, { cause });
  return serviceUnavailable(brokerErrorId, detail, { reason: "connection-failed", cause });
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (tlsProblem(thrown) ?? thrown.message) : String(thrown);
}
