import type { Session } from "@ts-micro/redis-connection";
import type { Incoming } from "ts-micro/broker";
import type { Entry } from "./entries.ts";

/** Where the messages of one subscription come from. */
export interface Source {
  /** Called with each new reader before anything is read from it. */
  begin(reader: Session): Promise<void>;
  /** Up to `count` messages; none when nothing came within `blockMs`. */
  read(reader: Session, count: number): Promise<Entry[]>;
  /** Tells the engine what became of a message; absent where it needn't know. */
  settle?(entry: Entry, ...verdict: Parameters<NonNullable<Incoming["settle"]>>): Promise<void>;
  /** The subscription is over, no message of it is in hand. */
  end(): Promise<void>;
}

/**
 * How long a reading waits at the server, in milliseconds: how soon the end of a subscription, a stuck message or a
 * silent server are noticed hangs on it.
 */
export const blockMs = 1_000;
