import { performServerHandshake, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { MicroError } from "ts-micro";
import { Call, type CallHost, type Ends } from "./call.ts";

/**
 * Received and not yet read, per stream; and per connection, which HTTP/2 allows to be more than one stream may send.
 * A message of average size then needs no round trip for itself, and what a caller makes us hold stays bounded.
 */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 1024 * 1024;

/** How long a client may take to make its first call, and to close a connection that it was told to, in milliseconds. */
const patienceMs = 1_000;

/** One HTTP/2 connection of a server. */
export class ServerConnection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Duplex;
  readonly #calls = new Set<Call>();
  /** Set when the server stops: called when nothing is in flight any more. */
  #whenIdle: (() => void) | undefined;
  /** Whoever waits for the first call; once it came, nobody. */
  #firstCall: { readonly came: Promise<void>; readonly tell: () => void } | undefined = newSignal();
  #bytesRead = 0;
  #pinged = false;

  constructor(socket: Duplex, host: CallHost) {
    this.#socket = socket;
    socket.on("error", () => {}); // "close" follows
    const session = performServerHandshake(socket, {
      // In megabytes. It counts what waits to be sent, and refuses calls beyond it: Node's 10 are three long answers.
      maxSessionMemory: 64,
      settings: {
        maxConcurrentStreams: host.settings.maxConcurrentStreams,
        initialWindowSize: streamWindowBytes,
      },
    });
    this.#session = session;
    session.on("error", () => {}); // "close" follows
    session.setLocalWindowSize(connectionWindowBytes);
    const ends = endsOf(socket);
    const ended = (call: Call): void => {
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#whenIdle?.();
    };
    // A connection that isn't used is not waited for when the server stops.
    setTimeout(() => this.#called(), patienceMs).unref();
    session.on("stream", (stream, headers) => {
      if (this.#firstCall !== undefined) setImmediate(() => this.#called());
      const call = new Call(host, stream, headers[":path"] ?? "", ended);
      this.#calls.add(call);
      call.start(headers, ends);
    });
  }

  /**
   * Takes no more calls, and resolves when those in flight are answered and the connection is closed.
   *
   * GOAWAY names the last call that was taken; a caller may send later ones again elsewhere. What it had sent already
   * is still read, and dropped, until it closes its side: were the connection closed before, the system would reset it
   * and with it the answers that are on their way.
   */
  async leave(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.once("close", () => resolve());
    });
    // A connection is made for a call, which is on its way: it need not be sent twice.
    if (this.#firstCall !== undefined) await Promise.race([this.#firstCall.came, closed]);
    this.#session.close();
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.#hurry();
    await closed;
  }

  /**
   * Closes the connection when it is dead. A client that has gone without a word is; so is one that has broken the
   * protocol, after which Node neither reads from it nor closes it.
   */
  check(): void {
    const { bytesRead = 0 } = this.#socket as Partial<Socket>;
    const silent = bytesRead === this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (!silent) this.#pinged = false;
    else if (this.#pinged || this.#session.destroyed) this.#socket.destroy();
    else {
      this.#pinged = true;
      this.#session.ping(() => {
        this.#pinged = false;
      });
    }
  }

  /** Closes at once. */
  destroy(reason: MicroError): void {
    if (this.#calls.size === 0) {
      // Said first, so that a call which is on its way is known not to have been taken.
      this.#session.close();
      this.#hurry();
      return;
    }
    for (const call of this.#calls) call.abort(reason);
    // Without a word: resetting each stream first would look like an answer.
    this.#socket.destroy();
  }

  #called(): void {
    this.#firstCall?.tell();
    this.#firstCall = undefined;
  }

  #hurry(): void {
    const impatient = setTimeout(() => this.#socket.destroy(), patienceMs);
    this.#socket.once("close", () => clearTimeout(impatient));
    if (this.#socket.destroyed) clearTimeout(impatient);
  }
}

function newSignal(): { came: Promise<void>; tell: () => void } {
  let tell = (): void => {};
  const came = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { came, tell };
}

function endsOf(socket: Duplex): Ends {
  const { localAddress, localPort, remoteAddress, remotePort } = socket as Partial<Socket>;
  return { local: joined(localAddress, localPort), remote: joined(remoteAddress, remotePort) };
}

function joined(host = "", port?: number): string {
  return port === undefined ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
