import { type ConnectionOwner, type LastingConnection, MicroError, newLastingConnection } from "ts-micro";
import { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
import { parseServerAddress, type ServerAddress } from "./server-address.ts";
import { type Listener, type Listening, openSession, type Session } from "./session.ts";

/** A connection that comes back, with what it listened to, until it is closed. */
export interface Connection extends Pick<LastingConnection<Session>, "server" | "open" | "session"> {
  close(): Promise<void>;
  /** As a session's, and kept up on each further server. */
  listen(listener: Listener): Promise<Listening>;
}

/**
 * @param onAgain told when there is a server again after one was lost, and everything is listened to
 * @throws MicroError 400 for an address that is none
 */
export function newConnection(
  options: NatsConnectionOptions,
  owner: ConnectionOwner,
  onAgain: () => void = () => {},
): Connection {
  const { addresses = [], maxReconnectWaitMs = connectionDefaults.maxReconnectWaitMs } = options;
  const servers = (addresses.length === 0 ? [connectionDefaults.address] : addresses).map((address) =>
    parseServerAddress(address, owner.errorId),
  );
  const listening = new Map<Listener, Listening | undefined>();
  const connection = newLastingConnection({
    owner,
    name: "nats",
    servers,
    isAnyOrder: true,
    start,
    isDenied: (thrown) => thrown instanceof Error && thrown.name === "AuthorizationError",
    credentials:
      "nats://user:password@host:port, or MICRO_NATS_USER and MICRO_NATS_PASSWORD, MICRO_NATS_TOKEN, MICRO_NATS_CREDS or MICRO_NATS_NKEY",
    onAgain,
    maxReconnectWaitMs,
  });

  return {
    get server() {
      return connection.server;
    },
    open: connection.open,
    session: connection.session,

    async close(): Promise<void> {
      await connection.close();
      listening.clear();
    },

    async listen(listener: Listener): Promise<Listening> {
      const first = await connection.session().listen(listener);
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

  async function start(server: ServerAddress): Promise<Session> {
    const session = await openSession(server, options, owner);
    try {
      await listenAgain(session);
      return session;
    } catch (thrown) {
      await session.end();
      throw thrown;
    }
  }

  /**
   * A server that allows less than before keeps the others.
   * @throws when the server is lost again meanwhile
   */
  async function listenAgain(next: Session): Promise<void> {
    for (const listener of [...listening.keys()]) {
      try {
        const again = await next.listen(listener);
        if (listening.has(listener)) listening.set(listener, again);
        else await again.end();
      } catch (thrown) {
        const error = MicroError.from(thrown);
        if (error.code !== 403) throw error;
        owner.logger.error(`messages on "${listener.subject}" don't arrive any more: ${error.detail}`);
      }
    }
  }
}
