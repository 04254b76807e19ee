import { type ConnectionOwner, type LastingConnection, newLastingConnection } from "ts-micro";
import { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
import { isRefusal, textOf } from "./refusal.ts";
import { parseServerAddress, type ServerAddress } from "./server-address.ts";
import { openSession, type Session } from "./session.ts";

/** A connection to whichever server is no replica, for commands that are answered at once. It comes back until it is closed. */
export interface Connection extends LastingConnection<Session> {
  /** Another connection to the present server, for what waits there. Throws as `session`, and what `openSession` throws. */
  openReader(): Promise<Session>;
}

/** @throws MicroError 400 for an address that is none */
export function newConnection(options: RedisConnectionOptions, owner: ConnectionOwner): Connection {
  const { addresses = [], pingIntervalMs = connectionDefaults.pingIntervalMs } = options;
  const servers = (addresses.length === 0 ? [connectionDefaults.address] : addresses).map((text) =>
    parseServerAddress(text, owner.errorId),
  );
  const connection = newLastingConnection({
    owner,
    name: "redis",
    servers,
    start,
    isDenied: (thrown) => isRefusal(thrown, "WRONGPASS") || isRefusal(thrown, "NOAUTH"),
    credentials:
      "redis://user:password@host:port, or MICRO_REDIS_USER (if there is one) and MICRO_REDIS_PASSWORD",
    maxReconnectWaitMs: options.maxReconnectWaitMs ?? connectionDefaults.maxReconnectWaitMs,
  });
  const openReader = (): Promise<Session> => openSession(connection.session().address, options, owner);
  return Object.assign(connection, { openReader });

  async function start(server: ServerAddress): Promise<Session> {
    const session = await openSession(server, options, owner);
    try {
      await checkPrimary(session);
    } catch (thrown) {
      session.drop("it can't be used");
      throw thrown;
    }
    watch(session);
    return session;
  }

  /** A server that isn't asked anything is asked what it is: it may be silent, or have become a replica. */
  function watch(watched: Session): void {
    const timer = setInterval(() => {
      checkPrimary(watched).catch((thrown: unknown) => watched.drop(textOf(thrown)));
    }, pingIntervalMs);
    void watched.ended.then(() => clearInterval(timer));
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
