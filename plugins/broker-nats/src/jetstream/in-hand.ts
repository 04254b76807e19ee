import type { Connection, Session } from "@ts-micro/nats-connection";

/** The messages that this process has and whose outcome the server doesn't know. */
export interface InHand {
  /** False when that message is in hand already: the server has lost patience, and a handler has it still. */
  add(message: Held): boolean;
  /** Tells the server what became of it, now or on the next connection. Idempotent. */
  settle(identity: string, verdict: string): void;
  /** Says of all of them that they are still being handled. */
  beat(): void;
  /** Tells on a new connection what couldn't be told on the one before. */
  tell(session: Session): void;
}

export interface Held {
  /** The same for each delivery of a message, and for no other message. */
  readonly identity: string;
  /** Where to publish the verdict. */
  readonly reply: string;
}

/** Verdicts, as JetStream's protocol has them. */
export const verdicts = {
  done: "+ACK",
  /** Nobody shall have it any more. */
  never: "+TERM",
  inProgress: "+WPI",
  /** Somebody shall have it after a while. */
  again: (delayMs: number): string => (delayMs === 0 ? "-NAK" : `-NAK {"delay": ${delayMs * 1_000_000}}`),
} as const;

export function newInHand(connection: Connection): InHand {
  const held = new Map<string, string>();
  const untold = new Map<string, string>();

  return {
    add({ identity, reply }) {
      const known = held.has(identity);
      held.set(identity, reply);
      return !known;
    },
    settle(identity, verdict) {
      const reply = held.get(identity);
      if (reply === undefined) return;
      held.delete(identity);
      if (!publish(reply, verdict)) untold.set(reply, verdict);
    },
    beat() {
      for (const reply of held.values()) if (!publish(reply, verdicts.inProgress)) return;
    },
    tell(session) {
      for (const [reply, verdict] of untold) if (publish(reply, verdict, session)) untold.delete(reply);
    },
  };

  /** False without a connection. A verdict that is lost on its way costs another delivery, not the message. */
  function publish(reply: string, verdict: string, session?: Session): boolean {
    try {
      (session ?? connection.session()).nats.publish(reply, verdict);
      return true;
    } catch {
      return false;
    }
  }
}
