import type { Duplex } from "node:stream";
import type { Metadata } from "../metadata.ts";
import type { PartOptions, TlsOptions } from "../parts.ts";
import type { Shape } from "../shape.ts";

/**
 * Carries messages between two processes. mucp is spoken on top of it, whatever carries the bytes.
 */
export interface Transport extends AsyncDisposable {
  /** The word users write after `--transport=`. */
  readonly name: string;
  /**
   * True when a listener's address is a port, which other protocols can share: whoever dials `host:port` reaches
   * `ListenOptions.protocols`. @default false
   */
  readonly sharesPort?: boolean;
  /**
   * Longest message body that it carries, in bytes, in either direction; absent for no limit. A received one that is
   * longer ends the connection, so who sends looks at this first. Other protocols on its ports keep to it too.
   */
  readonly maxMessageBytes?: number;
  /**
   * Resolves once messages can be sent.
   * @throws MicroError 503 `connection-failed` naming the address, when nobody answers in time.
   */
  dial(address: string, events: SocketEvents, options?: DialOptions): Promise<Socket>;
  /**
   * Resolves once `address` of the result can be dialled. `accept` is called for every new socket, at the
   * latest with its first message, and gives the functions that take its events.
   * @throws MicroError 500 naming the address, when it can't be used.
   */
  listen(address: string, accept: Accept, options?: ListenOptions): Promise<Listener>;
  /**
   * Opens a connection of bytes to a listener, for one of its `ListenOptions.protocols`. Absent from transports that have
   * none. Whoever gets it listens for `error`.
   * @throws MicroError as `dial` does
   */
  connect?(address: string, options: ConnectOptions): Promise<Duplex>;
  /** Gives up what the transport itself holds, such as a connection to a message server. Idempotent. */
  close(): Promise<void>;
}

export interface Message {
  /**
   * Canonical header name → value (`Micro-Endpoint`). Never holds framing such as `Content-Length`. Whatever
   * carries the message, names arrive in canonical form, and values as HTTP can carry them: control characters
   * as spaces, no white space around.
   */
  header: Metadata;
  /** Never shared with another message; may be empty. Where there is a `text`, it is made when it is read. */
  body: Uint8Array;
  /**
   * The same body, if it is ASCII, who made the message had it as text, and nobody has read or set `body` since: JSON goes
   * from its codec to a socket, and back, without bytes in between. Only for those who say that they take it (`takesText`).
   */
  readonly text?: string | undefined;
}

/** Both ends of a connection. Order is kept in each direction; requests and answers are not paired here. */
export interface Socket extends AsyncDisposable {
  /** `host:port` of this end. */
  readonly local: string;
  /** `host:port` of the other end. */
  readonly remote: string;
  readonly closed: boolean;
  /** `send` is given messages with `text`. @default false: all that it is given are plain objects of header and bytes */
  readonly takesText?: boolean;
  /**
   * Hands a message over for sending. False means that much is waiting: pause until `drain`. The message
   * is taken in either case and must not be changed afterwards. On a closed socket it is dropped; `close` has
   * already told why.
   * @throws MicroError 400 `encode-failed` when a header's name is no HTTP token. Nothing was sent then.
   */
  send(message: Message): boolean;
  /** Stops `message` events, and with them reading from the peer. Messages already parsed may still come. */
  pause(): void;
  resume(): void;
  /** Sends what was handed over, then closes. Idempotent. */
  close(): Promise<void>;
  /** Closes at once; what was not sent is lost. */
  destroy(): void;
}

export interface SocketEvents {
  /** `message` is given messages with `text`. @default false: all that it is given are plain objects of header and bytes */
  readonly takesText?: boolean;
  message(message: Message): void;
  /** `send` gave false before and may be used freely again. */
  drain?(): void;
  /** Exactly once, last. With an error when the peer did not close properly. */
  close(error?: Error): void;
}

export type Accept = (socket: Socket) => SocketEvents;

export interface Listener extends AsyncDisposable {
  /** The real `host:port`, with the port that was chosen for `:0`. */
  readonly address: string;
  /** Stops accepting. Sockets that exist stay open. Idempotent. */
  close(): Promise<void>;
}

export interface DialOptions {
  /** Limit for establishing the connection, in milliseconds. @default 5_000, as go-micro's DialTimeout */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ConnectOptions extends DialOptions {
  /** Names to offer by ALPN, where TLS is used. */
  alpn: readonly string[];
}

export interface ListenOptions {
  tls?: TlsOptions;
  /**
   * Further wire protocols on the same port. Each new connection's first bytes are offered to them in
   * this order, then to the transport's own. A transport without a byte stream refuses a non-empty list.
   */
  protocols?: readonly Protocol[];
}

/** A wire protocol that can share a listening port, recognised by the first bytes a client sends. */
export interface Protocol {
  readonly name: string;
  /** Names offered by ALPN when the listener uses TLS. */
  readonly alpn?: readonly string[];
  /** True: mine. False: never. `undefined`: more bytes are needed to tell. */
  matches(firstBytes: Uint8Array): boolean | undefined;
  /** Takes the connection over; the bytes seen so far are still in it, unread. */
  serve(connection: Duplex): void;
}

export interface TransportOptions extends PartOptions {
  /** Longest message body accepted, in bytes. @default 4 MiB, as go-micro */
  maxMessageBytes?: number;
}

export const transportShape: Shape<Transport> = {
  name: "string",
  sharesPort: "value?",
  maxMessageBytes: "value?",
  connect: "promise?",
  dial: "promise",
  listen: "promise",
  close: "promise",
  [Symbol.asyncDispose]: "promise",
};
