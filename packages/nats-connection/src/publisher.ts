import type { NatsConnection } from "@nats-io/transport-node";
import { writeRaw } from "./raw.ts";

export interface PublisherSetup {
  nats: NatsConnection;
  /** As a session's. */
  answered<Result>(work: Promise<Result>): Promise<Result>;
  /** What publishing on a subject that the user may not use rejects with. */
  notAllowed(subject: string): Error;
}

/** As much text as is joined for one write, in bytes; more leaves before the turn ends. */
const longestWrite = 256 * 1024;

/**
 * Publishes. What one turn of the event loop publishes leaves in one write, with one ping behind it: when that is answered, the server
 * has read all of it. All publishes on a subject in a turn have the same promise.
 */
export class Publisher {
  readonly #setup: PublisherSetup;
  /** Lines of the present turn. ASCII, or bytes as latin1. */
  #lines: string[] = [];
  #bytes = 0;
  /** That of the present turn, and those whose ping is not answered. */
  #round: Round | undefined;
  readonly #rounds = new Set<Round>();

  constructor(setup: PublisherSetup) {
    this.#setup = setup;
  }

  /** @param subject has no blanks */
  publish(subject: string, payload: string | Uint8Array, reply: string | undefined): Promise<void> {
    const text = typeof payload === "string" ? asBytes(payload) : latin1(payload);
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    this.#lines.push(`PUB ${to} ${text.length}\r\n`, text, "\r\n");
    this.#bytes += text.length;
    if (this.#bytes > longestWrite) this.#write();
    this.#round ??= this.#begin();
    return this.#round.published(subject);
  }

  /** The server has refused what was published on a subject, in a round that is not answered. */
  refused(subject: string): void {
    for (const round of this.#rounds) round.denied.add(subject);
  }

  #begin(): Round {
    let settle = (_answered: Promise<void>): void => {};
    const answered = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const round = new Round(answered, this.#setup.notAllowed);
    this.#rounds.add(round);
    // Behind everything that this turn of the event loop does: callbacks of sockets and timers run one by one.
    setImmediate(() => {
      this.#round = undefined;
      settle(this.#flush().finally(() => this.#rounds.delete(round)));
    });
    return round;
  }

  async #flush(): Promise<void> {
    this.#write();
    await this.#setup.answered(this.#setup.nats.flush());
    // A refusal is read before the answer to the ping, but told a few microtasks after it.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #write(): void {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#bytes = 0;
    writeRaw(this.#setup.nats, Buffer.from(text, "latin1"));
  }
}

/** What one ping makes sure of. */
class Round {
  readonly denied = new Set<string>();
  readonly #answered: Promise<void>;
  readonly #notAllowed: (subject: string) => Error;
  readonly #published = new Map<string, Promise<void>>();

  constructor(answered: Promise<void>, notAllowed: (subject: string) => Error) {
    this.#answered = answered;
    this.#notAllowed = notAllowed;
  }

  published(subject: string): Promise<void> {
    let published = this.#published.get(subject);
    if (published === undefined) {
      published = this.#answered.then(() => {
        if (this.denied.has(subject)) throw this.#notAllowed(subject);
      });
      this.#published.set(subject, published);
    }
    return published;
  }
}

/** UTF-8, one character for each byte. Almost all text is that already. */
function asBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString("latin1");
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
