import {
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from "@nats-io/transport-node";
import {
  badRequest,
  type ConnectionOwner,
  forbidden,
  type MicroError,
  serviceUnavailable,
  timeout,
} from "ts-micro";
import { dial } from "./dial.ts";
import { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
import { Publisher } from "./publisher.ts";
import type { ServerAddress } from "./server-address.ts";

/** One connection to one server, from its first to its last byte. */
export interface Session {
  /** `host:port` */
  readonly server: string;
  /** Longest payload that the server takes, in bytes. */
  readonly maxPayload: number;
  /** The library's connection, for what isn't here. It is never connected again: a session lives once. */
  readonly nats: NatsConnection;
  /** Resolves with the reason when the connection is gone. */
  readonly ended: Promise<string>;
  /**
   * Resolves when the server has read the message. What one turn publishes leaves together, and resolves so.
   * @param payload text is sent as UTF-8
   * @throws MicroError 403 not allowed, 408 no answer in time, 503 `connection-lost`. In the last two cases the
   *   server may have the message.
   */
  publish(subject: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void>;
  /** Resolves when the server knows. Rejects as `publish` does. */
  listen(listener: Listener): Promise<Listening>;
  /**
   * The work's result, unless it takes longer than `timeoutMs` or the connection ends: the library leaves what waits
   * on a closed connection unanswered for ever. Rejects as `publish` does.
   */
  answered<Result>(work: Promise<Result>): Promise<Result>;
  end(): Promise<void>;
}

export interface PublishOptions {
  /** Subject for answers. */
  reply?: string;
}

export interface Listener {
  readonly subject: string;
  readonly queue?: string | undefined;
  /**
   * Its payload is a part of what the socket has read: who keeps it copies it. Must not throw: the library would read
   * no more from that connection.
   * @param session the connection it came by, also while `Connection.session` knows none because others are listened to again
   */
  onMessage(message: Msg, session: Session): void;
  /** Told on each connection, once the server knows. */
  onListening?(session: Session): void;
}

export interface Listening {
  /** Resolves when nothing will arrive any more. Never rejects. */
  end(): Promise<void>;
}

/** @throws what the library throws */
export async function openSession(
  server: ServerAddress,
  options: NatsConnectionOptions,
  { errorId, logger }: ConnectionOwner,
): Promise<Session> {
  const { timeoutMs = connectionDefaults.timeoutMs } = options;
  const { nats, destroy } = await dial(server, options);
  const waiting = new Set<(lost: MicroError) => void>();
  const publisher = new Publisher({
    nats,
    answered,
    notAllowed: (subject) => notAllowed(errorId, "publish on", subject),
  });
  /** The last that was published on: most are that one again. */
  let lastSubject: string | undefined;
  let reason: string | undefined;

  const ended = nats.closed().then((error) => {
    destroy();
    reason ??= error instanceof Error ? error.message : "the server closed the connection";
    for (const lose of [...waiting]) lose(lost());
    return reason;
  });
  void watch();

  const session: Session = {
    server: server.hostPort,
    nats,
    maxPayload: nats.info?.max_payload ?? Number.POSITIVE_INFINITY,
    ended,

    publish(subject, payload, { reply } = {}) {
      if (reason !== undefined || nats.isClosed()) return Promise.reject(lost());
      if (subject !== lastSubject || reply !== undefined) {
        // A blank would begin another field of the line, a line feed another line.
        if (/[\s\0]|^$/.test(subject) || /[\s\0]/.test(reply ?? "")) {
          return Promise.reject(
            badRequest(errorId, `"${subject}" or its reply "${reply}" is no subject of NATS`),
          );
        }
        lastSubject = subject;
      }
      return publisher.publish(subject, payload, reply);
    },

    async listen(listener) {
      const { subject, queue } = listener;
      let failure: Error | undefined;
      const callback = (error: Error | null, message: Msg): void => {
        if (error === null) listener.onMessage(message, session);
        else failure = error;
      };
      const wanted = { callback, ...(queue !== undefined && { queue }) };
      const subscription = open(() => nats.subscribe(subject, wanted));
      await answered(nats.flush());
      if (failure !== undefined) throw notAllowed(errorId, "subscribe to", subject);
      listener.onListening?.(session);
      return { end: () => drain(subscription) };
    },

    answered,

    async end() {
      reason ??= "closed";
      await nats.close();
      destroy();
    },
  };
  return session;

  /** The library refuses with an error of its own once the connection is closed. */
  function open<Result>(use: () => Result): Result {
    if (reason !== undefined || nats.isClosed()) throw lost();
    return use();
  }

  function answered<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const late = (): void => settle(() => reject(tooLate(errorId, server.hostPort, timeoutMs)));
      const timer = setTimeout(late, timeoutMs);
      const lose = (error: MicroError): void => settle(() => reject(error));
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        waiting.delete(lose);
        end();
      };
      waiting.add(lose);
      if (reason !== undefined) lose(lost());
      work.then(
        (result) => settle(() => resolve(result)),
        (thrown) => settle(() => reject(nats.isClosed() ? lost() : thrown)),
      );
    });
  }

  async function drain(subscription: Subscription): Promise<void> {
    if (reason !== undefined || subscription.isClosed()) return;
    try {
      await answered(subscription.drain());
    } catch {
      // The server doesn't answer: what it still sends is not ours any more.
      subscription.unsubscribe();
    }
  }

  async function watch(): Promise<void> {
    for await (const event of nats.status()) {
      if (event.type === "staleConnection") {
        reason ??= "it is silent: no answer to pings";
        destroy();
      } else if (event.type === "error") {
        const { error } = event;
        if (error instanceof PermissionViolationError && error.operation === "publish") {
          publisher.refused(error.subject);
        } else if (!(error instanceof PermissionViolationError)) reason ??= error.message;
        logger.warn(`nats server ${server.hostPort}: ${error.message}`);
      } else if (event.type === "ldm") {
        logger.info(`nats server ${server.hostPort} is about to stop`);
      }
    }
  }

  function lost(): MicroError {
    const detail = `the connection to nats server ${server.hostPort} was lost: ${reason ?? "it was closed"}; what was sent may have arrived or not`;
    return serviceUnavailable(errorId, detail, { reason: "connection-lost" });
  }
}

function tooLate(errorId: string, server: string, timeoutMs: number): MicroError {
  const detail = `nats server ${server} didn't answer within ${timeoutMs} ms (timeoutMs); what was sent may have arrived or not`;
  return timeout(errorId, detail, { reason: "timeout" });
}

function notAllowed(errorId: string, what: string, subject: string): MicroError {
  return forbidden(errorId, `the nats server doesn't allow this user to ${what} "${subject}"`);
}
