import { setTimeout as pause } from "node:timers/promises";
import { MicroError, serviceUnavailable, unauthorized } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { retryWaitMs } from "../retry-wait.ts";
import { tlsProblem } from "../tls.ts";
import { brokerErrorId, notConnected } from "./failures.ts";

/** One connection to one server, from its first to its last byte. */
export interface ServerSession {
  /** `host:port` */
  readonly server: string;
  /** Resolves with the reason when it is gone. */
  readonly ended: Promise<string>;
  /** @param forget the server forgets this client, where it remembers any */
  end(forget: boolean): Promise<void>;
}

/** A connection that comes back until it is closed. What lived on it has to be made again. */
export interface BrokerConnection<Session extends ServerSession> {
  /** `host:port` of the server; empty while there is none. */
  readonly server: string;
  /**
   * Resolves when a server has taken us. Twice is once.
   * @throws MicroError 503 `connection-failed` naming every server and why, 401 when all of them refuse the credentials
   */
  open(): Promise<void>;
  /** Twice is once. @param forget as `ServerSession.end` takes it, false by default */
  close(forget?: boolean): Promise<void>;
  /**
   * What is connected now.
   * @throws MicroError 503 `not-connected`
   */
  session(): Session;
  /** The present session, or the next one; `undefined` when the signal aborts before. */
  next(signal: AbortSignal): Promise<Session | undefined>;
}

export interface BrokerConnectionSetup<Server extends { readonly hostPort: string }, Session> {
  /** The broker's name. */
  name: string;
  /** Tried in this order, each time anew. */
  servers: readonly Server[];
  /** Opens a session and prepares it. */
  start(server: Server): Promise<Session>;
  /** What `start` threw says that the credentials are wrong. @default an error of ours with code 401 does */
  isDenied?(thrown: unknown): boolean;
  /** Longest wait between two attempts to connect again, in milliseconds. */
  maxReconnectWaitMs: number;
  logger: Logger;
}

/** For brokers whose library doesn't connect again, or hides what that costs. Opens nothing yet. */
export function newBrokerConnection<
  Server extends { readonly hostPort: string },
  Session extends ServerSession,
>(setup: BrokerConnectionSetup<Server, Session>): BrokerConnection<Session> {
  const { name, servers, start, isDenied = isUnauthorized, maxReconnectWaitMs, logger } = setup;
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

    async close(forget = false): Promise<void> {
      await opening?.catch(() => {});
      closing?.abort();
      await session?.end(forget);
      await keptUp;
      session = undefined;
      opening = undefined;
    },

    session(): Session {
      if (session !== undefined) return session;
      throw opening === undefined ? notConnected(name) : noServer();
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
    const first = await startAny();
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
      logger.warn(`lost ${name} server ${present.server}: ${reason}; connecting again`);
      const next = await startAgain(signal);
      if (next === undefined) return;
      logger.info(`connected to ${name} server ${next.server} again`);
      present = next;
      session = next;
      for (const settle of [...waiting]) settle(next);
    }
  }

  /** `undefined` when the connection is closed meanwhile. */
  async function startAgain(signal: AbortSignal): Promise<Session | undefined> {
    for (let failures = 1; !signal.aborted; failures++) {
      await pause(retryWaitMs(failures, maxReconnectWaitMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
      try {
        const next = await startAny();
        if (!signal.aborted) return next;
        await next.end(false);
      } catch (thrown) {
        const text = `can't reach ${name} yet: ${MicroError.from(thrown).detail}`;
        if (failures === 1) logger.warn(text);
        else logger.debug(text);
      }
    }
    return undefined;
  }

  async function startAny(): Promise<Session> {
    const failures: { server: Server; thrown: unknown }[] = [];
    for (const server of servers) {
      try {
        return await start(server);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${textOf(thrown)}`);
    const detail = `can't connect to ${name}: ${sentences.join("; ")}`;
    const cause = failures.at(-1)?.thrown;
    if (failures.every(({ thrown }) => isDenied(thrown)))
      throw unauthorized(brokerErrorId, detail, { cause });
    throw serviceUnavailable(brokerErrorId, detail, { reason: "connection-failed", cause });
  }

  function noServer(): MicroError {
    const names = servers.map(({ hostPort }) => hostPort).join(", ");
    const detail = `broker ${name} is not connected: no server of ${names} can be reached at present; it goes on trying`;
    return serviceUnavailable(brokerErrorId, detail, { reason: "not-connected" });
  }
}

function isUnauthorized(thrown: unknown): boolean {
  return MicroError.is(thrown) && thrown.code === 401;
}

function textOf(thrown: unknown): string {
  if (MicroError.is(thrown)) return thrown.detail;
  return thrown instanceof Error ? (tlsProblem(thrown) ?? thrown.message) : String(thrown);
}
