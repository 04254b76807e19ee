import type { Socket as NetSocket } from "node:net";
import type { HttpError } from "./http-error.ts";
import type { HttpHead } from "./http-head.ts";
import { HttpSocket } from "./http-socket.ts";
import { requestHead } from "./http-writer.ts";
import type { Message, Socket, SocketEvents } from "./transport.ts";

/** Speaks HTTP/1.1 with the server at the other end of a connection. */
export function openHttp(
  connection: NetSocket,
  address: string,
  events: SocketEvents,
  options: { maxMessageBytes: number },
): Socket {
  return new HttpClientSocket(connection, address, options.maxMessageBytes).open(events);
}

/** As much of a foreign server's error page as is worth reading, in characters. */
const maxErrorText = 1024;

class HttpClientSocket extends HttpSocket {
  readonly #address: string;

  constructor(connection: NetSocket, address: string, maxMessageBytes: number) {
    super(connection, { reads: "response", id: "go.micro.client.transport", maxMessageBytes });
    this.#address = address;
  }

  open(events: SocketEvents): Socket {
    this.start(events);
    return this;
  }

  protected headOf({ header, body }: Message): string {
    return requestHead(this.#address, header, body.length);
  }

  protected received(head: HttpHead, body: Buffer): void {
    if (head.status === 200) {
      this.deliver({ header: head.header, body });
      return;
    }
    // go-micro answers 200 even for errors: this comes from something else, or the request was refused.
    const code = head.status >= 400 ? head.status : 502;
    const text = body.toString().slice(0, maxErrorText).trim();
    this.fail(this.error(code, text === "" ? head.statusLine : `${head.statusLine}: ${text}`));
  }

  protected refused(error: HttpError): void {
    const reason = error.status === 413 ? "too-large" : "decode-failed";
    this.fail(this.error(500, `answer of ${this.#address} refused: ${error.message}`, { reason }));
  }
}
