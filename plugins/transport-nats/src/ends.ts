import { randomUUID } from "node:crypto";
import {
  type Connection,
  connectionDefaults,
  createInbox,
  type Listening,
  type Msg,
  type Session,
} from "@ts-micro/nats-connection";
import { MicroError } from "ts-micro";
import type { DialOptions } from "ts-micro/transport";
import { cancelled, unreachable } from "./failures.ts";
import type { NatsTransportOptions } from "./options.ts";
import { ownWire } from "./wire.ts";

/** One end of a connection through NATS, as long as it lives. */
export interface End {
  /** The connection to NATS that it lives on. */
  readonly session: Session;
  receive(message: Msg): void;
  /** Asks whether the other end is there: the server tells when nobody is. */
  probe(): void;
  /** The connection to NATS, or the other end, is gone. */
  lose(why: string): void;
  close(): Promise<void>;
}

/** What waits for an answer, as long as it does. */
type Question = Pick<End, "session" | "receive" | "lose">;

/** All ends of a transport. Each has a subject of its own, below one that is listened to. */
export class Ends {
  readonly #connection: Connection;
  readonly #options: NatsTransportOptions;
  readonly #onSweep: () => void;
  readonly #base = createInbox();
  readonly #ends = new Map<string, End>();
  /** Who waits for an answer to a question. */
  readonly #asking = new Map<string, Question>();
  readonly #followed = new Set<Session>();
  #opening: Promise<Listening> | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  /** @param onSweep called once per `pingIntervalMs` */
  constructor(connection: Connection, options: NatsTransportOptions, onSweep: () => void) {
    this.#connection = connection;
    this.#options = options;
    this.#onSweep = onSweep;
  }

  /** Peers are told the subject of their own connection, and must not guess that of another's: NATS asks nobody who sends. */
  newId(): string {
    return randomUUID();
  }

  subjectOf(id: string): string {
    return `${this.#base}.${id}`;
  }

  add(id: string, end: End): void {
    this.#ends.set(id, end);
    this.#follow(end.session);
  }

  remove(id: string): void {
    this.#ends.delete(id);
  }

  /** What is connected now; connects when nothing was. */
  async session(): Promise<Session> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    await this.#opening;
    return this.#connection.session();
  }

  /**
   * Sends a message that wants an answer.
   * @param address what is dialled, for errors. On the address itself nobody answers: that it was delivered is enough
   * @returns false when the server knows nobody who listens for it; true when somebody has answered
   * @throws MicroError 503 `connection-failed`, 499 `cancelled`; what `onAnswer` throws
   */
  async ask(
    present: Session,
    question: { subject: string; id: string; payload?: Uint8Array },
    address: string,
    { timeoutMs: limitMs = this.#options.timeoutMs ?? connectionDefaults.timeoutMs, signal }: DialOptions,
    onAnswer: (answer: Msg) => void,
  ): Promise<boolean> {
    const { subject, id, payload = new Uint8Array() } = question;
    let onAbort = (): void => {};
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        this.#asking.set(id, {
          session: present,
          receive: (answer) => {
            this.#asking.delete(id);
            const somebody = answer.headers?.code !== 503;
            try {
              if (somebody) onAnswer(answer);
              resolve(somebody);
            } catch (thrown) {
              reject(thrown);
            }
          },
          lose: (why) => reject(unreachable(address, why)),
        });
        this.#follow(present);
        onAbort = () => signal !== undefined && reject(cancelled(address, signal));
        signal?.addEventListener("abort", onAbort, { once: true });
        timer = setTimeout(() => reject(unreachable(address, `no answer within ${limitMs} ms`)), limitMs);
        present.publish(subject, payload, { reply: this.subjectOf(id) }).then(
          // The server says that there is nobody before it answers the ping behind the message.
          () => subject === address && resolve(true),
          (thrown) => reject(unreachable(address, MicroError.from(thrown).detail, thrown)),
        );
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#asking.delete(id);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    await Promise.all([...this.#ends.values()].map((end) => end.close()));
    const isOpen = this.#opening !== undefined && this.#connection.server !== "";
    const present = isOpen ? this.#connection.session() : undefined;
    // What has been said leaves before the connection does.
    await present?.answered(present.nats.flush()).catch(() => {});
    this.#opening = undefined;
    await this.#connection.close();
  }

  async #open(): Promise<Listening> {
    await this.#connection.open();
    const listening = await this.#connection.listen({
      subject: `${this.#base}.*`,
      onMessage: (message) => this.#receive(message),
    });
    const { pingIntervalMs = connectionDefaults.pingIntervalMs } = this.#options;
    clearInterval(this.#sweeping);
    this.#sweeping = setInterval(() => this.#sweep(), pingIntervalMs).unref();
    return listening;
  }

  /** Once for all that lives on it: what reacts to its end is kept as long as it lives. */
  #follow(session: Session): void {
    if (this.#followed.has(session)) return;
    this.#followed.add(session);
    void session.ended.then((why) => {
      this.#followed.delete(session);
      for (const each of [...this.#ends.values(), ...this.#asking.values()]) {
        if (each.session === session) each.lose(why);
      }
    });
  }

  #receive(message: Msg): void {
    const id = message.subject.slice(this.#base.length + 1);
    const end = this.#ends.get(id);
    const question = this.#asking.get(id);
    if (end !== undefined) end.receive(message);
    else if (question !== undefined) question.receive(message);
    // An end of ours that is gone, or was given up before it was accepted: whoever keeps the other end shall know.
    else if (!isEnd(message)) message.respond(ownWire.control.end());
  }

  /** Nobody says that a process has died. */
  #sweep(): void {
    for (const end of this.#ends.values()) end.probe();
    this.#onSweep();
  }
}

/** Such as the answer to what was itself sent to nobody. */
function isEnd({ data, headers }: Msg): boolean {
  return headers?.code === 503 || data[0] === ownWire.control.end()[0];
}
