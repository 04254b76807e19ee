import type { Msg, Session } from "@ts-micro/nats-connection";
import { MicroError } from "ts-micro";
import { carriedHeader, type Message, type Socket, type SocketEvents } from "ts-micro/transport";
import type { End } from "./ends.ts";
import { transportErrorId } from "./options.ts";
import { following } from "./stream-wire.ts";
import type { Frame, Wire } from "./wire.ts";

export interface SocketSetup {
  session: Session;
  wire: Wire;
  /** The subject on which the other end is, and the one on which answers reach this end. */
  peer: string;
  own: string;
  local: string;
  remote: string;
  maxMessageBytes: number;
  onClosed(): void;
}

/** `send` gives false while more than this is on its way to a reader of ours, in bytes. */
const highWaterMark = 256 * 1024;

/** One end of a connection through NATS. Messages are told in rounds of the event loop, so never inside `send`. */
export class NatsSocket implements Socket, End {
  readonly local: string;
  readonly remote: string;
  /** When a message last came or went, as `performance.now()` has it. */
  active = performance.now();
  readonly #setup: SocketSetup;
  #peer: string;
  #events: SocketEvents | undefined;
  #inbox: Message[] = [];
  #paused = false;
  #scheduled = false;
  #closed = false;
  #drainOwed = false;
  /** The numbers of the next messages. */
  #sent = 0;
  #received = 0;
  /** Bytes that were sent and that the other end has not taken yet; what it had taken when it last said so. */
  #unread = 0;
  #confirmed = 0;
  /** All bytes that were taken here. */
  #taken = 0;
  /** How the connection ends, once everything in the inbox is delivered. */
  #end: { error?: MicroError } | undefined;
  #closing: Promise<void> | undefined;
  #onFinished = (): void => {};

  constructor(setup: SocketSetup) {
    this.#setup = setup;
    this.local = setup.local;
    this.remote = setup.remote;
    this.#peer = setup.peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The connection to NATS that it lives on. */
  get session(): Session {
    return this.#setup.session;
  }

  /** Begins to deliver. @param peer where the other end says that it is */
  start(events: SocketEvents, peer: string = this.#peer): void {
    this.#events = events;
    this.#peer = peer;
    this.#schedule();
  }

  send(message: Message): boolean {
    if (this.#closed) return true;
    const { wire, session } = this.#setup;
    const carried: Message = { header: carriedHeader(message.header), body: message.body };
    if (this.#end !== undefined) return true;
    const payload = wire.encode(carried, this.#sent);
    if (payload.length > session.maxPayload) {
      const detail = `a message of ${payload.length} bytes can't be sent to ${this.remote}: the nats server takes ${session.maxPayload} (its max_payload)`;
      this.#leave(this.#error(413, detail, "too-large"), { code: 413, detail });
      return true;
    }
    this.active = performance.now();
    this.#sent = following(this.#sent);
    this.#publish(payload);
    if (wire.control === undefined) return true;
    this.#unread += carried.body.length;
    if (this.#unread <= highWaterMark) return true;
    this.#drainOwed = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#closed && this.#events === undefined) resolve();
      else {
        this.#onFinished = resolve;
        this.#leave();
      }
    });
    return this.#closing;
  }

  destroy(): void {
    this.#leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Repeats what was taken: the server tells when nobody is there to read it. */
  probe(): void {
    if (!this.#closed) this.#tellTaken();
  }

  /** What came for this end. */
  receive(message: Msg): void {
    if (message.headers?.code === 503) {
      this.lose(`nobody listens for ${this.remote} any more`);
      return;
    }
    let frame: Frame;
    try {
      frame = this.#setup.wire.decode(message.data);
    } catch (thrown) {
      this.#leave(this.#error(500, `${this.remote} sent something that is not a message: ${String(thrown)}`));
      return;
    }
    this.#take(frame);
  }

  /** The connection to NATS, or the other end, is gone. */
  lose(why: string): void {
    this.#end ??= { error: this.#error(503, `connection to ${this.remote} lost: ${why}`, "connection-lost") };
    this.#schedule();
  }

  #take(frame: Frame): void {
    if (this.#closed || this.#end !== undefined) return;
    if (frame.kind === "end") {
      const { why } = frame;
      // A 503 without a reason would be an answer, and what was asked be asked again.
      const reason = why?.code === 503 ? "connection-lost" : undefined;
      this.#end = why === undefined ? {} : { error: this.#error(why.code, why.detail, reason) };
      this.#schedule();
    } else if (frame.number !== undefined && frame.number !== this.#received) {
      this.#miss(`message ${frame.number} came instead of ${this.#received}: one was lost`);
    } else if (frame.kind === "message") {
      this.#takeMessage(frame.message);
    } else {
      this.#takeWord(frame.total);
    }
  }

  #takeMessage({ header, body }: Message): void {
    this.active = performance.now();
    this.#received = following(this.#received);
    const { maxMessageBytes } = this.#setup;
    if (body.length > maxMessageBytes) {
      const why = `body longer than ${maxMessageBytes} bytes: it has ${body.length}; raise maxMessageBytes to take it`;
      const detail = `${this.local} refused a message: ${why}`;
      this.#leave(this.#error(413, `message of ${this.remote} refused: ${why}`, "too-large"), {
        code: 413,
        detail,
      });
      return;
    }
    this.#inbox.push({ header: carriedHeader(header), body });
    this.#schedule();
  }

  /** The other end says how much it has taken. */
  #takeWord(total: number): void {
    const bytes = following(total, -this.#confirmed);
    if (bytes > this.#unread) {
      this.#leave(this.#error(500, `${this.remote} says that it took more than it was sent`));
      return;
    }
    this.#unread -= bytes;
    this.#confirmed = total;
    if (this.#unread > 0 || !this.#drainOwed) return;
    this.#drainOwed = false;
    this.#events?.drain?.();
  }

  /** What came before is told, and then the end. */
  #miss(why: string): void {
    const end = this.#setup.wire.control?.end;
    if (end !== undefined) {
      this.#publish(end({ code: 503, detail: `connection to ${this.local} lost: ${why}` }));
    }
    this.lose(why);
  }

  /** Ends this end now, and tells the other one. */
  #leave(error?: MicroError, why?: { code: number; detail: string }): void {
    if (this.#closed) return;
    this.#closed = true;
    const { control } = this.#setup.wire;
    if (control !== undefined && this.#end === undefined) this.#publish(control.end(why));
    this.#end = error === undefined ? {} : { error };
    this.#inbox = [];
    this.#schedule();
  }

  #tellTaken(): void {
    const { control } = this.#setup.wire;
    if (control !== undefined) this.#publish(control.taken(this.#sent, this.#taken));
  }

  #publish(payload: Uint8Array): void {
    try {
      // With a subject for answers the server tells when nobody listens.
      this.#setup.session.nats.publish(this.#peer, payload, { reply: this.#setup.own });
    } catch {
      this.lose("there is no connection to nats");
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#events === undefined) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    let taken = 0;
    while (!this.#paused && !this.#closed) {
      const message = this.#inbox.shift();
      if (message === undefined) break;
      taken += message.body.length;
      try {
        this.#events?.message(message);
      } catch (thrown) {
        const detail = `handling a message failed: ${String(thrown)}`;
        this.#leave(this.#error(500, detail), { code: 503, detail: `connection to ${this.local} lost` });
      }
    }
    this.#taken = following(this.#taken, taken);
    if (taken > 0 && !this.#closed) this.#tellTaken();
    if (this.#end !== undefined && this.#inbox.length === 0 && (this.#closed || !this.#paused)) {
      this.#finish(this.#end.error);
    }
  }

  /** The last event. */
  #finish(error?: MicroError): void {
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    this.#setup.onClosed();
    events?.close(error);
    this.#onFinished();
  }

  #error(code: number, detail: string, reason?: "connection-lost" | "too-large"): MicroError {
    return new MicroError({ id: transportErrorId, code, detail, ...(reason !== undefined && { reason }) });
  }
}
