import type { Socket as NetSocket } from "node:net";
import type { MicroError } from "../errors.ts";
import { closedInSilence, isTlsSocket, refusesHandshake, tlsProblem } from "../tls.ts";
import { connectionFailed } from "./connect.ts";
import type { HttpError } from "./http-error.ts";
import type { HttpHead } from "./http-head.ts";
import { HttpSocket } from "./http-socket.ts";
import { requestHead } from "./http-writer.ts";
import { newMessage } from "./message.ts";
import type { Message, SocketEvents } from "./transport.ts";

/** Speaks HTTP/1.1 with the server at the other end of a connection. */
export function openHttp(
  connection: NetSocket,
  address: string,
  events: SocketEvents,
  options: { maxMessageBytes: number },
): HttpSocket {
  return new HttpClientSocket(connection, address, options.maxMessageBytes).open(events);
}

/** As much of a foreign server's error page as is worth reading, in characters. */
const maxErrorText = 1024;

class HttpClientSocket extends HttpSocket {
  readonly #address: string;
  #sent = false;
  #received = false;

  constructor(connection: NetSocket, address: string, maxMessageBytes: number) {
    super(connection, { reads: "response", id: "go.micro.client.transport", maxMessageBytes });
    this.#address = address;
  }

  open(events: SocketEvents): HttpSocket {
    this.start(events);
    return this;
  }

  protected headOf({ header }: Message, length: number): string {
    this.#sent = true;
    return requestHead(this.#address, header, length);
  }

  protected received(head: HttpHead, body: string | Buffer): void {
    if (head.status === 200) {
      this.deliver(newMessage(head.header, body));
      return;
    }
    // go-micro answers 200 even for errors: this comes from something else, or the request was refused.
    const code = head.status >= 400 ? head.status : 502;
    const text = body.toString().slice(0, maxErrorText).trim();
    this.fail(this.error(code, text === "" ? head.statusLine : `${head.statusLine}: ${text}`));
  }

  protected override advanced(): void {
    this.#received = true;
  }

  protected override ended(): Error | undefined {
    if (this.#received || !isTlsSocket(this.stream)) return undefined;
    return this.#sent
      ? this.lost(new Error(closedInSilence))
      : connectionFailed(this.#address, closedInSilence);
  }

  protected override lost(cause?: Error): MicroError {
    if (cause === undefined || !refusesHandshake(cause)) return super.lost(cause);
    return connectionFailed(this.#address, tlsProblem(cause) ?? cause.message, cause);
  }

  protected refused(error: HttpError): void {
    const reason = error.status === 413 ? "too-large" : "decode-failed";
    this.fail(this.error(500, `answer of ${this.#address} refused: ${error.message}`, { reason }));
  }
}
