import { MicroError, type MicroErrorFields } from "../errors.ts";
import { carriedHeader } from "./header.ts";
import type { Message, Socket, SocketEvents } from "./transport.ts";

export interface MemoryEnd {
  /** The `host:port` of this end. */
  address: string;
  /** Longest body this end accepts, in bytes. */
  maxMessageBytes: number;
}

/** `send` gives false while more than this waits for the other end, in bytes. */
const highWaterMark = 256 * 1024;

/**
 * One end of a connection inside the process. What is sent lies in the other end's inbox until the event loop
 * comes round: a caller never runs inside `send`, and two ends that only talk to each other leave room for timers.
 */
export class MemorySocket implements Socket {
  readonly local: string;
  readonly remote: string;
  readonly #maxMessageBytes: number;
  #peer: MemorySocket | undefined;
  #events: SocketEvents | undefined;
  #inbox: Message[] = [];
  #inboxBytes = 0;
  #paused = false;
  #scheduled = false;
  #drainOwed = false;
  #closed = false;
  /** How the connection ends, once everything in the inbox is delivered. */
  #end: { error?: Error } | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  static pair(client: MemoryEnd, server: MemoryEnd): [client: MemorySocket, server: MemorySocket] {
    const ends: [MemorySocket, MemorySocket] = [
      new MemorySocket(client, server.address),
      new MemorySocket(server, client.address),
    ];
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  private constructor(end: MemoryEnd, remote: string) {
    this.local = end.address;
    this.remote = remote;
    this.#maxMessageBytes = end.maxMessageBytes;
  }

  /** Begins to deliver. */
  start(events: SocketEvents): void {
    this.#events = events;
    this.#schedule();
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(message: Message): boolean {
    const peer = this.#peer;
    if (this.#closed || peer === undefined) return true;
    // Copied at once: neither end can change what the other has.
    const copy: Message = { header: carriedHeader(message.header), body: Buffer.from(message.body) };
    if (peer.#closed || peer.#end !== undefined) return true;
    if (copy.body.length > peer.#maxMessageBytes) {
      const has = `it has ${copy.body.length}; raise maxMessageBytes to take it`;
      this.#breakOff(peer, `body longer than ${peer.#maxMessageBytes} bytes: ${has}`);
      return true;
    }
    peer.#inbox.push(copy);
    peer.#inboxBytes += copy.body.length;
    peer.#schedule();
    if (peer.#inboxBytes <= highWaterMark) return true;
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
      if (this.#events === undefined && this.#closed) resolve();
      else {
        this.#onClosed = resolve;
        this.#leave({});
      }
    });
    return this.#closing;
  }

  destroy(): void {
    const peer = this.#peer;
    if (peer !== undefined && peer.#inbox.length > 0) {
      peer.#forget();
      this.#leave({
        error: peer.#error(500, `connection to ${this.local} lost`, { reason: "connection-lost" }),
      });
    } else this.#leave({});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends this end now, and the other one after what it has got already. */
  #leave(forPeer: { error?: Error }): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end ??= {};
    this.#forget();
    this.#schedule();
    const peer = this.#peer;
    if (peer === undefined) return;
    peer.#end ??= forPeer;
    peer.#schedule();
  }

  /** The other end refuses what this one has sent. */
  #breakOff(peer: MemorySocket, why: string): void {
    this.#end = { error: this.#error(413, `${this.remote} refused a message: ${why}`) };
    this.#leave({
      error: peer.#error(413, `message of ${this.local} refused: ${why}`, { reason: "too-large" }),
    });
  }

  #forget(): void {
    this.#inbox = [];
    this.#inboxBytes = 0;
  }

  #schedule(): void {
    if (this.#scheduled || this.#events === undefined) return;
    this.#scheduled = true;
    setImmediate(this.#deliverNow);
  }

  /** Made once, so that scheduling makes no closure. */
  readonly #deliverNow = (): void => this.#deliver();

  #deliver(): void {
    this.#scheduled = false;
    // What arrives meanwhile waits for the next round.
    const batch = this.#inbox;
    this.#inbox = [];
    for (const [index, message] of batch.entries()) {
      if (this.#closed) break;
      if (this.#paused) {
        this.#inbox = [...batch.slice(index), ...this.#inbox];
        break;
      }
      this.#inboxBytes -= message.body.length;
      this.#receive(message);
    }
    const peer = this.#peer;
    if (this.#inbox.length > 0) {
      if (!this.#paused) this.#schedule();
    } else if (peer !== undefined) peer.#drained();
    if (this.#end !== undefined && this.#inbox.length === 0 && (this.#closed || !this.#paused)) {
      this.#finish(this.#end.error);
    }
  }

  #receive(message: Message): void {
    try {
      this.#events?.message(message);
    } catch (error) {
      this.#end = {
        error: this.#error(500, `handling a message failed: ${String(error)}`, { cause: error }),
      };
      this.#leave(this.#lostFor(this.#peer));
    }
  }

  /** The other end has taken all that was sent. */
  #drained(): void {
    if (!this.#drainOwed || this.#closed) return;
    this.#drainOwed = false;
    this.#events?.drain?.();
  }

  /** The last event. */
  #finish(error?: Error): void {
    this.#closed = true;
    const events = this.#events;
    this.#events = undefined;
    events?.close(error);
    this.#onClosed?.();
  }

  #lostFor(peer: MemorySocket | undefined): { error?: Error } {
    const detail = `connection to ${this.local} lost`;
    return peer === undefined ? {} : { error: peer.#error(500, detail, { reason: "connection-lost" }) };
  }

  #error(code: number, detail: string, more: Pick<MicroErrorFields, "reason" | "cause"> = {}): MicroError {
    return new MicroError({ id: "go.micro.transport", code, detail, ...more });
  }
}
