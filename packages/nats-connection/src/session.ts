import {
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from "@nats-io/transport-node";
import { forbidden, type MicroError, serviceUnavailable, timeout } from "ts-micro";
import { dial } from "./dial.ts";
import { connectionDefaults, type NatsConnectionOptions } from "./options.ts";
import type { Owner } from "./owner.ts";
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
   * Resolves when the server has read the message.
   * @throws MicroError 403 not allowed, 408 no answer in time, 503 `connection-lost`. In the last two cases the
   *   server may have the message.
   */
  publish(subject: string, payload: Uint8Array, options?: PublishOptions): Promise<void>;
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
  /** Its payload is a part of what the socket has read: who keeps it copies it. */
  onMessage(message: Msg): void;
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
  { errorId, logger }: Owner,
): Promise<Session> {
  const { timeoutMs = connectionDefaults.timeoutMs } = options;
  const { nats, destroy } = await dial(server, options);
  const waiting = new Set<(lost: MicroError) => void>();
  const rounds = new Set<Round>();
  let round: Round | undefined;
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

    async publish(subject, payload, { reply } = {}) {
      open(() => nats.publish(subject, payload, reply === undefined ? {} : { reply }));
      const denied = await nextRound();
      if (denied.has(subject)) throw notAllowed(errorId, "publish on", subject);
    },

    async listen(listener) {
      const { subject, queue } = listener;
      let failure: Error | undefined;
      const callback = (error: Error | null, message: Msg): void => {
        if (error === null) listener.onMessage(message);
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

  /** Publishes of one turn share a ping. */
  function nextRound(): Promise<ReadonlySet<string>> {
    if (round === undefined) {
      const own: Round = { denied: new Set(), done: Promise.resolve(new Set<string>()) };
      own.done = Promise.resolve()
        .then(() => {
          round = undefined;
          return answered(nats.flush());
        })
        // A refusal is read before the answer to the ping, but told a few microtasks after it.
        .then(() => new Promise((resolve) => setImmediate(resolve)))
        .then(() => own.denied)
        .finally(() => rounds.delete(own));
      round = own;
      rounds.add(own);
    }
    return round.done;
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
          for (const each of rounds) each.denied.add(error.subject);
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

/** What one ping makes sure of. */
interface Round {
  readonly denied: Set<string>;
  done: Promise<ReadonlySet<string>>;
}

function tooLate(errorId: string, server: string, timeoutMs: number): MicroError {
  const detail = `nats server ${server} didn't answer within ${timeoutMs} ms (timeoutMs); what was sent may have arrived or not`;
  return timeout(errorId, detail, { reason: "timeout" });
}

function notAllowed(errorId: string, what: string, subject: string): MicroError {
  return forbidden(errorId, `the nats server doesn't allow this user to ${what} "${subject}"`);
}
