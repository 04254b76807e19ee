import { setTimeout as pause } from "node:timers/promises";
import { type MicroError, retryWaitMs, serviceUnavailable, unauthorized } from "ts-micro";
import { tlsProblem } from "ts-micro/transport";
import { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
import { notConnected, type Owner } from "./owner.ts";
import { isRefusal, textOf } from "./refusal.ts";
import { parseServerAddress, type ServerAddress } from "./server-address.ts";
import { openSession, type Session } from "./session.ts";

/** A connection to whichever server is no replica, that comes back until it is closed. */
export interface Connection {
  /** `host:port` of the server; empty while there is none. */
  readonly server: string;
  /**
   * Resolves when a server has taken us. Twice is once.
   * @throws MicroError 503 `connection-failed` naming every server and why, 401 when all of them refuse the credentials
   */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * What is connected now: for commands that are answered at once.
   * @throws MicroError 503 `not-connected`
   */
  session(): Session;
  /** Resolves when there is a server; false when `signal` aborts before. */
  available(signal: AbortSignal): Promise<boolean>;
  /** Another connection to the present server, for what waits there. Throws as `session`, and what `openSession` throws. */
  openReader(): Promise<Session>;
}

export function newConnection(options: RedisConnectionOptions, owner: Owner): Connection {
  const { kind, errorId, logger } = owner;
  const { addresses = [], maxReconnectWaitMs = connectionDefaults.maxReconnectWaitMs } = options;
  const servers = (addresses.length === 0 ? [connectionDefaults.address] : addresses).map((text) =>
    parseServerAddress(text, errorId),
  );
  const waiting = new Set<() => void>();
  let session: Session | undefined;
  let opening: Promise<void> | undefined;
  let closing: AbortController | undefined;
  let keptUp: Promise<void> = Promise.resolve();

  return {
    get server() {
      return session?.address.hostPort ?? "";
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
      session?.end("closed");
      await keptUp;
      opening = undefined;
    },

    session: current,

    async available(signal: AbortSignal): Promise<boolean> {
      while (session === undefined && !signal.aborted) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      return !signal.aborted;
    },

    openReader: () => openSession(current().address, options, owner),
  };

  function current(): Session {
    if (session !== undefined) return session;
    if (opening === undefined) throw notConnected(owner);
    const names = servers.map(({ hostPort }) => hostPort).join(", ");
    const detail = `${kind} redis is not connected: no server of ${names} can be used at present; it goes on trying`;
    throw serviceUnavailable(errorId, detail, { reason: "not-connected" });
  }

  async function open(): Promise<void> {
    const first = await openAny();
    closing = new AbortController();
    use(first);
    keptUp = keepUp(first, closing.signal);
  }

  function use(next: Session): void {
    session = next;
    watch(next);
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  /** A server that isn't asked anything is asked what it is: it may be silent, or have become a replica. */
  function watch(watched: Session): void {
    const timer = setInterval(() => {
      checkPrimary(watched).catch((thrown: unknown) => watched.end(textOf(thrown)));
    }, options.pingIntervalMs ?? connectionDefaults.pingIntervalMs);
    void watched.ended.then(() => clearInterval(timer));
  }

  async function keepUp(first: Session, signal: AbortSignal): Promise<void> {
    let present = first;
    for (;;) {
      const reason = await present.ended;
      session = undefined;
      if (signal.aborted) return;
      logger.warn(`lost redis server ${present.address.hostPort}: ${reason}; connecting again`);
      const next = await openAgain(signal);
      if (next === undefined) return;
      logger.info(`connected to redis server ${next.address.hostPort} again`);
      present = next;
      use(next);
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
        next.end("closed");
      } catch (thrown) {
        const text = `can't use redis yet: ${textOf(thrown)}`;
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
        return await openPrimary(server);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    throw unreachable(failures, errorId);
  }

  async function openPrimary(server: ServerAddress): Promise<Session> {
    const opened = await openSession(server, options, owner);
    try {
      await checkPrimary(opened);
      return opened;
    } catch (thrown) {
      opened.end("it can't be used");
      throw thrown;
    }
  }
}

/** @throws when the server is a replica, is still loading its data, or doesn't answer */
async function checkPrimary(session: Session): Promise<void> {
  try {
    const role = await session.command(["ROLE"]);
    if (Array.isArray(role) && String(role[0]) === "slave") throw new Error("it is a replica");
  } catch (thrown) {
    // A user who may not ask is believed to have given the right address.
    if (!isRefusal(thrown, "NOPERM")) throw thrown;
  }
}

function unreachable(
  failures: readonly { server: ServerAddress; thrown: unknown }[],
  errorId: string,
): MicroError {
  const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${reasonOf(thrown)}`);
  const detail = `can't connect to redis: ${sentences.join("; ")}`;
  const cause = failures.at(-1)?.thrown;
  if (failures.every(({ thrown }) => isRefusal(thrown, "WRONGPASS") || isRefusal(thrown, "NOAUTH")))
    return unauthorized(errorId, detail, { cause });
  return serviceUnavailable(errorId, detail, { reason: "connection-failed", cause });
}

function reasonOf(thrown: unknown): string {
  return (thrown instanceof Error ? tlsProblem(thrown) : undefined) ?? textOf(thrown);
}
