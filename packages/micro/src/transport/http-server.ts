import type { Duplex } from "node:stream";
import { statusText } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Logger } from "../logger.ts";
import { HttpError } from "./http-error.ts";
import type { HttpHead } from "./http-head.ts";
import { HttpSocket } from "./http-socket.ts";
import { refusal, responseHead } from "./http-writer.ts";
import { newMessage } from "./message.ts";
import type { Accept, Message } from "./transport.ts";

export interface HttpServerOptions {
  maxMessageBytes: number;
  /** Time for a head to arrive completely, the first one counted from the connection on, in milliseconds. */
  headTimeoutMs: number;
  logger: Logger;
}

/** Speaks HTTP/1.1 with a client that has connected, and gives its socket to `accept`. */
export function acceptHttp(connection: Duplex, accept: Accept, options: HttpServerOptions): void {
  const socket = new HttpServerSocket(connection, options);
  try {
    socket.serve(accept);
  } catch (error) {
    options.logger.error(`accepting a connection failed: ${String(error)}`, { remote: socket.remote });
    connection.destroy();
  }
}

class HttpServerSocket extends HttpSocket {
  readonly #headTimeoutMs: number;
  #headTimer: NodeJS.Timeout | undefined;
  /** Requests without an answer so far. Only an estimate while a stream runs, whose answers are not counted off. */
  #owed = 0;
  /** No further request is read; the connection ends with the last answer owed. */
  #last = false;

  constructor(connection: Duplex, options: HttpServerOptions) {
    super(connection, {
      reads: "request",
      id: "go.micro.server.transport",
      maxMessageBytes: options.maxMessageBytes,
    });
    this.#headTimeoutMs = options.headTimeoutMs;
    this.#awaitHead();
    connection.once("close", () => clearTimeout(this.#headTimer));
  }

  serve(accept: Accept): void {
    this.start(accept(this));
  }

  override send(message: Message): boolean {
    const last = this.#last && this.#owed <= 1;
    const more = super.send(last ? closing(message) : message);
    if (this.#owed > 0) this.#owed--;
    if (last) void this.close();
    return more;
  }

  override resume(): void {
    super.resume();
    this.#headTimer?.refresh();
  }

  protected headOf({ header }: Message, length: number): string {
    return responseHead(header, length);
  }

  protected received(head: HttpHead, body: string | Buffer): void {
    this.#owed++;
    // An answer to HEAD or CONNECT has no body, but ours does: nothing may follow it. A stream's first answer is
    // not its last, and go-micro forwards `Connection: close` to streams without meaning it.
    const alone = head.close || head.method === "HEAD" || head.method === "CONNECT";
    if (alone && head.header[headers.stream] === undefined) {
      this.#last = true;
      this.parser.stop();
    }
    this.deliver(newMessage(head.header, body));
  }

  protected refused(error: HttpError): void {
    const { status, message } = error;
    this.write(refusal(`${status} ${statusText(status)}`, message));
    const reason = status === 413 ? "too-large" : status === 408 ? "timeout" : "decode-failed";
    this.failAfterSending(this.error(status, `request of ${this.remote} refused: ${message}`, { reason }));
  }

  protected override expectsContinue(): void {
    if (this.#owed === 0) this.write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  protected override advanced(): void {
    if (this.parser.inHead) {
      if (this.#headTimer === undefined) this.#awaitHead();
    } else if (this.#headTimer !== undefined) {
      clearTimeout(this.#headTimer);
      this.#headTimer = undefined;
    }
  }

  #awaitHead(): void {
    const timer = setTimeout(() => {
      // Nothing is read while this end pauses, so the client can't be blamed.
      if (this.stream.isPaused()) timer.refresh();
      else this.#headTimedOut();
    }, this.#headTimeoutMs);
    timer.unref();
    this.#headTimer = timer;
  }

  #headTimedOut(): void {
    const error = new HttpError(408, `no complete head within ${this.#headTimeoutMs} ms`);
    if (this.parser.idle)
      this.fail(this.error(408, `${this.remote} sent nothing: ${error.message}`, { reason: "timeout" }));
    else this.refused(error);
  }
}

function closing(message: Message): Message {
  return newMessage({ ...message.header, [headers.connection]: "close" }, message.text ?? message.body);
}
