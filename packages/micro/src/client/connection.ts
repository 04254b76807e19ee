import { internalServerError, MicroError, serviceUnavailable } from "../errors.ts";
import { headers } from "../headers.ts";
import { messageFor, takingText } from "../transport/message.ts";
import type { DialOptions, Message, Socket, Transport } from "../transport/transport.ts";

/** What waits for the messages of a connection: a call, or a stream. */
export interface Receiver {
  message(message: Message): void;
  drain?(): void;
  /** Last; the error says why the connection ended. */
  closed(error: MicroError): void;
}

/**
 * One socket to one node, and whoever waits for its messages. Nobody does while it is idle: a message is
 * then the server's goodbye, or an answer that came too late, and ends the connection.
 */
export class Connection {
  readonly address: string;
  /** On the clock of `performance.now()`. */
  readonly since: number = performance.now();
  /** False: to be closed instead of used again, when the present call is over. */
  reusable = true;
  #socket: Socket | undefined;
  #receiver: Receiver | undefined;
  /** Why it ended, once it has. */
  #ended: MicroError | undefined;
  readonly #onEnd: (connection: Connection) => void;

  /** @param onEnd called once, when nothing can be sent or received any more */
  constructor(address: string, onEnd: (connection: Connection) => void) {
    this.address = address;
    this.#onEnd = onEnd;
  }

  /** @throws MicroError 503 with a reason; nothing has left this process then. */
  async dial(transport: Transport, options: DialOptions): Promise<void> {
    const events = takingText({
      message: (message) => this.#message(message),
      drain: () => this.#receiver?.drain?.(),
      close: (error) => this.#end(connectionLost(this.address, error)),
    });
    try {
      this.#socket = await transport.dial(this.address, events, options);
    } catch (thrown) {
      this.#end(connectionFailed(this.address, thrown));
    }
    // The peer may also have said goodbye, or left, before the socket got here.
    if (this.#ended === undefined) return;
    this.#socket?.destroy();
    throw this.#ended.reason === "draining" ? this.#ended : connectionFailed(this.address, this.#ended);
  }

  get ended(): boolean {
    return this.#ended !== undefined || this.#socket === undefined || this.#socket.closed;
  }

  /** Who gets the messages from now on. */
  receive(receiver: Receiver | undefined): void {
    this.#receiver = receiver;
  }

  /**
   * False: much is waiting; go on at the receiver's `drain`.
   * @throws MicroError 400 as the transport's socket does; nothing was sent then.
   */
  send(message: Message): boolean {
    return this.#socket?.send(messageFor(this.#socket, message)) ?? true;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Sends what was handed over, then closes. Nobody gets messages any more. */
  close(): void {
    this.#receiver = undefined;
    this.reusable = false;
    this.#socket?.close().catch(() => {});
  }

  /** Breaks the connection; that cancels the handler at the other end. */
  destroy(): void {
    this.#receiver = undefined;
    this.reusable = false;
    this.#socket?.destroy();
  }

  #message(message: Message): void {
    if (message.header[headers.goodbye] !== undefined) {
      this.#end(draining(this.address));
      this.#socket?.close().catch(() => {});
      return;
    }
    if (message.header[headers.connection]?.toLowerCase() === "close") this.reusable = false;
    if (this.#receiver !== undefined) {
      this.#receiver.message(message);
      return;
    }
    this.#end(connectionLost(this.address));
    this.#socket?.destroy();
  }

  #end(error: MicroError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.reusable = false;
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#onEnd(this);
    receiver?.closed(error);
  }
}

function draining(address: string): MicroError {
  const detail = `${address} is shutting down and did not take the request`;
  return serviceUnavailable("go.micro.client", detail, { reason: "draining" });
}

/** A 500, as in go-micro: the handler may have run, so 503 would be wrong. */
export function connectionLost(address: string, cause?: Error): MicroError {
  // The transport's own words: an answer that was too long, or came from something that is no server of ours.
  if (MicroError.is(cause) && cause.reason !== "connection-lost") return cause;
  const why = MicroError.is(cause)
    ? cause.detail
    : `connection to ${address} lost: ${cause?.message ?? "closed before the answer came"}`;
  const detail = `${why}; the handler may have run`;
  return internalServerError("go.micro.client.transport", detail, { reason: "connection-lost", cause });
}

export function connectionFailed(address: string, cause: unknown): MicroError {
  if (MicroError.is(cause) && cause.reason === "connection-failed") return cause;
  const why = MicroError.is(cause) ? cause.detail : cause instanceof Error ? cause.message : String(cause);
  const detail = `connection error: can't connect to ${address}: ${why}`;
  return serviceUnavailable("go.micro.client", detail, { reason: "connection-failed", cause });
}
