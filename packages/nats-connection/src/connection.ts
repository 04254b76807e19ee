import { setTimeout as pause } from "node:timers/promises";
import { MicroError, retryWaitMs, serviceUnavailable, unauthorized } from "ts-micro";
import { tlsProblem } from "ts-micro/transport";
import { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
import { notConnected, type Owner } from "./owner.ts";
import { parseServerAddress, type ServerAddress } from "./server-address.ts";
import { type Listener, type Listening, openSession, type Session } from "./session.ts";

/** A connection that comes back, with what it listened to, until it is closed. */
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
   * What is connected now.
   * @throws MicroError 503 `not-connected`
   */
  session(): Session;
  /** As a session's, and kept up on each further server. */
  listen(listener: Listener): Promise<Listening>;
}

/**
 * @param onAgain told when there is a server again after one was lost, and everything is listened to
 * @throws MicroError 400 for an address that is none
 */
export function newConnection(
  options: NatsConnectionOptions,
  owner: Owner,
  onAgain: () => void = () => {},
): Connection {
  const { kind, errorId, logger } = owner;
  const { addresses = [], maxReconnectWaitMs = connectionDefaults.maxReconnectWaitMs } = options;
  const servers = (addresses.length === 0 ? [connectionDefaults.address] : addresses).map((address) =>
    parseServerAddress(address, errorId),
  );
  const listening = new Map<Listener, Listening | undefined>();
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
      listening.clear();
    },

    session: current,

    async listen(listener: Listener): Promise<Listening> {
      const first = await current().listen(listener);
      listening.set(listener, first);
      return {
        async end() {
          const present = listening.get(listener);
          listening.delete(listener);
          await present?.end();
        },
      };
    },
  };

  function current(): Session {
    if (session !== undefined) return session;
    if (opening === undefined) throw notConnected(owner);
    const names = servers.map(({ hostPort }) => hostPort).join(", ");
    const detail = `${kind} nats is not connected: no server of ${names} can be reached at present; it goes on trying`;
    throw serviceUnavailable(errorId, detail, { reason: "not-connected" });
  }

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
      logger.warn(`lost nats server ${present.server}: ${reason}; connecting again`);
      const next = await openAgain(signal);
      if (next === undefined) return;
      logger.info(`connected to nats server ${next.server} again`);
      present = next;
      session = next;
      onAgain();
    }
  }

  /** `undefined` when the connection is closed meanwhile. */
  async function openAgain(signal: AbortSignal): Promise<Session | undefined> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      await pause(retryWaitMs(attempt + 1, maxReconnectWaitMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return undefined;
      try {
        const next = await openAny();
        const listens = !signal.aborted && (await listenAgain(next));
        // Who closed it meanwhile has seen no session to end.
        if (listens && !signal.aborted) return next;
        await next.end();
      } catch (thrown) {
        const text = `can't reach nats yet: ${MicroError.from(thrown).detail}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
      }
    }
    return undefined;
  }

  /** False when the server was lost again meanwhile. One that allows less than before keeps the others. */
  async function listenAgain(next: Session): Promise<boolean> {
    for (const listener of [...listening.keys()]) {
      try {
        const again = await next.listen(listener);
        if (listening.has(listener)) listening.set(listener, again);
        else await again.end();
      } catch (thrown) {
        const error = MicroError.from(thrown);
        if (error.code !== 403) return false;
        logger.error(`messages on "${listener.subject}" don't arrive any more: ${error.detail}`);
      }
    }
    return true;
  }

  async function openAny(): Promise<Session> {
    const failures: { server: ServerAddress; thrown: unknown }[] = [];
    for (const server of shuffled(servers)) {
      try {
        return await openSession(server, options, owner);
      } catch (thrown) {
        failures.push({ server, thrown });
      }
    }
    throw unreachable(errorId, failures);
  }
}

function unreachable(
  errorId: string,
  failures: readonly { server: ServerAddress; thrown: unknown }[],
): MicroError {
  const sentences = failures.map(({ server, thrown }) => `${server.hostPort}: ${textOf(thrown)}`);
  const detail = `can't connect to nats: ${sentences.join("; ")}`;
  const cause = failures.at(-1)?.thrown;
  if (failures.every(({ thrown }) => isRefusal(thrown))) return unauthorized(errorId, detail, { cause });
  return serviceUnavailable(errorId, detail, { reason: "connection-failed", cause });
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AuthorizationError";
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (tlsProblem(thrown) ?? thrown.message) : String(thrown);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
