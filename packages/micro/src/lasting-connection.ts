/**
 * A connection that comes back until it is closed: for implementations whose library doesn't connect again, or hides what
 * that costs. A session is one connection to one server; what lived on it has to be made again on the next.
 */
import { setTimeout as pause } from "node:timers/promises";
import { MicroError, serviceUnavailable, unauthorized } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { tlsProblem } from "./tls.ts";

/** One connection to one server, from its first to its last byte. */
export interface ServerSession {
  /** `host:port` */
  readonly server: string;
  /** Resolves with the reason when it is gone. */
  readonly ended: Promise<string>;
  /** @param forget the server forgets this client, where it remembers any */
  end(forget: boolean): Promise<void>;
}

export interface LastingConnection<Session extends ServerSession> {
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
  /** The present session, or the next one; `undefined` when the signal has aborted, or aborts before. */
  next(signal: AbortSignal): Promise<Session | undefined>;
}

/** Whose connection it is, for its errors and its log. */
export interface ConnectionOwner {
  /** `broker`, `registry`... */
  readonly kind: string;
  /** The `id` of its errors, such as `go.micro.broker`. */
  readonly errorId: string;
  readonly logger: Logger;
}

export interface LastingConnectionSetup<Server extends { readonly hostPort: string }, Session> {
  owner: ConnectionOwner;
  /** What is connected to, for people: `nats`. */
  name: string;
  servers: readonly Server[];
  /** Servers that are all alike are tried in another order each time, which spreads their clients. @default false, as given */
  isAnyOrder?: boolean;
  /** Opens a session and prepares it. */
  start(server: Server): Promise<Session>;
  /** What `start` threw says that the credentials are wrong. @default an error of ours with code 401 does */
  isDenied?(thrown: unknown): boolean;
  /** How a user gives credentials, for the error: `nats://user:password@host:port, or MICRO_NATS_USER…`. */
  credentials: string;
  /** Told of each session after the first, once it is the present one. */
  onAgain?(session: Session): void;
  /** Longest wait between two attempts to connect again, in milliseconds. */
  maxReconnectWaitMs: number;
}

/** Opens nothing yet. */
export function newLastingConnection<
  Server extends { readonly hostPort: string },
  Session extends ServerSession,
>(setup: LastingConnectionSetup<Server, Session>): LastingConnection<Session> {
  const { owner, name, servers, isAnyOrder = false, start, isDenied = isUnauthorized, onAgain } = setup;
  const { kind, errorId, logger } = owner;
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
      throw notConnected(opening === undefined ? "; call connect() first" : `: ${noServer()}`);
    },

    next(signal: AbortSignal): Promise<Session | undefined> {
      if (signal.aborted) return Promise.resolve(undefined);
      if (session !== undefined) return Promise.resolve(session);
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
    use(first);
    keptUp = keepUp(first, ending.signal);
  }

  function use(next: Session): void {
    session = next;
    for (const settle of [...waiting]) settle(next);
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
      use(next);
      onAgain?.(next);
    }
  }

  /** `undefined` when the connection is closed meanwhile. */
  async function startAgain(signal: AbortSignal): Promise<Session | undefined> {
    for (let failures = 1; !signal.aborted; failures++) {
      await pause(retryWaitMs(failures, setup.maxReconnectWaitMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
      try {
        const next = await startAny();
        // Who closed it meanwhile has seen no session to end.
        if (!signal.aborted) return next;
        await next.end(false);
      } catch (thrown) {
        const text = `${MicroError.from(thrown).detail}; trying again`;
        if (failures === 1) logger.warn(text);
        else logger.debug(text);
      }
    }
    return undefined;
  }

  async function startAny(): Promise<Session> {
    const failures: { server: Server; thrown: unknown }[] = [];
    for (const server of isAnyOrder ? shuffled(servers) : servers) {
      try {
        return await start(server);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${textOf(thrown)}`);
    const denied = failures.filter(({ thrown }) => isDenied(thrown)).length;
    if (denied > 0) sentences.push(`give ${setup.credentials}`);
    const detail = `can't connect to ${name}: ${sentences.join("; ")}`;
    const cause = failures.at(-1)?.thrown;
    if (denied === failures.length) throw unauthorized(errorId, detail, { cause });
    throw serviceUnavailable(errorId, detail, { reason: "connection-failed", cause });
  }

  function noServer(): string {
    const names = servers.map(({ hostPort }) => hostPort).join(", ");
    return `no server of ${names} can be used right now; it keeps trying`;
  }

  function notConnected(why: string): MicroError {
    const detail = `${kind} ${name} is not connected${why}`;
    return serviceUnavailable(errorId, detail, { reason: "not-connected" });
  }
}

function isUnauthorized(thrown: unknown): boolean {
  return MicroError.is(thrown) && thrown.code === 401;
}

function textOf(thrown: unknown): string {
  if (MicroError.is(thrown)) return thrown.detail;
  return thrown instanceof Error ? (tlsProblem(thrown) ?? thrown.message) : String(thrown);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
