import { setTimeout as pause } from "node:timers/promises";
import { type Logger, MicroError, retryWaitMs, serviceUnavailable, unauthorized } from "ts-micro";
import { brokerErrorId, notConnected } from "ts-micro/broker";
import { tlsProblem } from "ts-micro/transport";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import type { Session } from "./session.ts";

/** A connection that comes back until it is closed. */
export interface Connection {
  /** `host:port` of the server; empty while there is none. */
  readonly server: string;
  /**
   * Resolves when a server has taken us. Twice is once.
   * @throws MicroError 503 `connection-failed` naming every server and why, 401 when all of them refuse the credentials
   */
  open(): Promise<void>;
  /** @param forget the server forgets this client */
  close(forget: boolean): Promise<void>;
  /**
   * What is connected now.
   * @throws MicroError 503 `not-connected`
   */
  session(): Session;
}

/** @param start opens a session and prepares it */
export function newConnection(
  servers: readonly ServerAddress[],
  options: MqttBrokerOptions,
  logger: Logger,
  start: (server: ServerAddress) => Promise<Session>,
): Connection {
  const { maxReconnectWaitMs = defaults.maxReconnectWaitMs } = options;
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

    async close(forget: boolean): Promise<void> {
      await opening?.catch(() => {});
      closing?.abort();
      await session?.end(forget);
      await keptUp;
      session = undefined;
      opening = undefined;
    },

    session(): Session {
      if (session !== undefined) return session;
      throw opening === undefined ? notConnected("mqtt") : noServer(servers);
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
      logger.warn(`lost mqtt server ${present.server}: ${reason}; connecting again`);
      const next = await openAgain(signal);
      if (next === undefined) return;
      logger.info(`connected to mqtt server ${next.server} again`);
      present = next;
      session = next;
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
        await next.end(false);
      } catch (thrown) {
        const text = `can't reach mqtt yet: ${MicroError.from(thrown).detail}`;
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
        return await start(server);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    throw unreachable(failures);
  }
}

function noServer(servers: readonly ServerAddress[]): MicroError {
  const names = servers.map(({ hostPort }) => hostPort).join(", ");
  const detail = `broker mqtt is not connected: no server of ${names} can be reached at present; it goes on trying`;
  return serviceUnavailable(brokerErrorId, detail, { reason: "not-connected" });
}

function unreachable(failures: readonly { server: ServerAddress; thrown: unknown }[]): MicroError {
  const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${textOf(thrown)}`);
  const detail = `can't connect to mqtt: ${sentences.join("; ")}`;
  const cause = failures.at(-1)?.thrown;
  if (failures.every(({ thrown }) => MicroError.is(thrown) && thrown.code === 401))
    return unauthorized(brokerErrorId, detail, { cause });
  return serviceUnavailable(brokerErrorId, detail, { reason: "connection-failed", cause });
}

function textOf(thrown: unknown): string {
  if (MicroError.is(thrown)) return thrown.detail;
  return thrown instanceof Error ? (tlsProblem(thrown) ?? thrown.message) : String(thrown);
}
