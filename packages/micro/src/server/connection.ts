import { CallContext, type Peer } from "../context.ts";
import { MicroError } from "../errors.ts";
import { endOfStream, headers } from "../headers.ts";
import { type Metadata, newMetadata } from "../metadata.ts";
import { messageFor } from "../transport/message.ts";
import type { Message, Socket, SocketEvents } from "../transport/transport.ts";
import { Call, type CallHost } from "./call.ts";
import type { RequestHead, RequestReader } from "./request.ts";
import { errorAnswer, eventAnswer, goodbye, unreadableAnswer } from "./response.ts";
import type { Route, Router } from "./router.ts";
import { Session, type SessionHost } from "./session.ts";
import type { Subscriptions } from "./subscriber.ts";

/** What all connections of a server share. */
export interface ConnectionHost {
  readonly router: Router;
  readonly subscriptions: Subscriptions;
  readonly reader: RequestReader;
  /** Answers tell the caller to leave. */
  readonly leaving: boolean;
  /** The longest body of an answer, in bytes. */
  readonly maxAnswerBytes: number | undefined;
  /** The connection is closed and none of its handlers runs any more. */
  closed(connection: Connection): void;
}

/** A request whose answer has not been sent. Answers leave in the order in which the requests came. */
interface Pending {
  answer: Message | undefined;
  /** For calls, whose handler can be told to stop. */
  readonly context?: CallContext;
}

/** Requests a caller may send before it has read an answer, until the connection is no longer read. */
const maxPending = 128;
/** How many ended streams are remembered whose caller has not ended them too. */
const maxEndedStreams = 1024;

/**
 * One connection: reads what comes in, starts calls, streams and events, and sends the answers
 * (go-micro `server/rpc_server.go`, `ServeConn`).
 *
 * Unlike go-micro it answers each of several requests that are under way together, whatever their ids, and
 * after a deadline has passed it still waits for the handler: the caller has given up by itself, the
 * handler's signal has aborted, and an answer of the server's own would tell nobody anything.
 */
export class Connection implements SocketEvents, CallHost, SessionHost {
  readonly router: Router;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #pending: Pending[] = [];
  readonly #sessions = new Map<string, Session>();
  /** Streams whose handler has ended, and whose caller may not know it yet: what it still sends is no new call. */
  readonly #endedStreams = new Set<string>();
  readonly #crowded = new Set<Session>();
  /** The socket takes no more for now. */
  #blocked: { promise: Promise<void>; resolve: () => void } | undefined;
  #paused = false;
  /** Set when the server stops: called when nothing is in flight any more. */
  #leave: (() => void) | undefined;
  #gone = false;

  constructor(host: ConnectionHost, socket: Socket) {
    this.router = host.router;
    this.#host = host;
    this.#socket = socket;
    this.#peer = { address: socket.remote };
  }

  get takesText(): boolean {
    return true;
  }

  message(message: Message): void {
    const { header } = message;
    const stream = header[headers.stream] || header["X-Micro-Stream"];
    if (stream !== undefined && this.#toSession(stream, message)) return;
    // The goodbye is the answer to everything that comes now.
    if (this.#leave !== undefined || this.#gone) return;
    const topic = header[headers.topic];
    // Go clients that open a stream within a subscriber forward the topic of the event; that is no event.
    if (topic && stream === undefined) this.#event(topic, message);
    else this.#request(message, stream);
  }

  drain(): void {
    this.#blocked?.resolve();
    this.#blocked = undefined;
    this.#regulate();
  }

  close(error?: Error): void {
    const detail = "the caller has gone away";
    this.#end(
      new MicroError({ id: "go.micro.server", code: 499, detail, reason: "cancelled", cause: error }),
    );
    this.#settle();
  }

  /** Takes no more requests, and closes when those in flight are answered. Resolves when it is closed. */
  leave(): Promise<void> {
    return new Promise((resolve) => {
      this.#leave = () => {
        this.#gone = true;
        if (!this.#socket.closed) this.#socket.send(goodbye());
        this.#socket.close().then(resolve, resolve);
      };
      this.#settle();
    });
  }

  /** Closes at once. */
  destroy(reason: MicroError): void {
    this.#end(reason);
    this.#socket.destroy();
  }

  get maxAnswerBytes(): number | undefined {
    return this.#host.maxAnswerBytes;
  }

  answered(call: Call, answer: Message): void {
    this.#answer(call, answer);
  }

  send(message: Message): boolean {
    if (this.#host.leaving) message.header[headers.connection] = "close";
    return this.#socket.send(messageFor(this.#socket, message));
  }

  drained(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    if (this.#blocked === undefined) this.#block();
    return this.#blocked?.promise ?? Promise.resolve();
  }

  crowded(session: Session, crowded: boolean): void {
    if (crowded) this.#crowded.add(session);
    else if (!this.#crowded.delete(session)) return;
    this.#regulate();
  }

  ended(session: Session): void {
    this.#sessions.delete(session.stream);
    this.crowded(session, false);
    if (!session.ended) this.#remember(session.stream);
    this.#settle();
  }

  #remember(stream: string): void {
    this.#endedStreams.add(stream);
    const [oldest] = this.#endedStreams;
    if (this.#endedStreams.size > maxEndedStreams && oldest !== undefined) this.#endedStreams.delete(oldest);
  }

  /** True when the message belongs to a stream that is or was there. */
  #toSession(stream: string, message: Message): boolean {
    const session = this.#sessions.get(stream);
    if (session !== undefined) {
      session.message(message);
      return true;
    }
    const last = message.header[headers.error] === endOfStream;
    if (last) this.#endedStreams.delete(stream);
    return last || this.#endedStreams.has(stream);
  }

  #request(message: Message, stream: string | undefined): void {
    let head: RequestHead | undefined;
    let route: Route;
    try {
      head = this.#host.reader.read(message);
      route = this.router.find(head.endpoint);
    } catch (thrown) {
      const error = this.router.failure(thrown, head?.endpoint ?? "");
      // What the caller has sent for it already must not be answered too. A stream of another id than the
      // message's own is one that a Go handler forwarded, and names no stream of this connection.
      if (stream !== undefined && stream === message.header[headers.id]) this.#remember(stream);
      this.#answerNow(
        head === undefined ? unreadableAnswer(message.header, error) : errorAnswer(head, error),
      );
      return;
    }
    const { header } = message;
    const context = new CallContext({
      metadata: () => this.#metadata(header),
      timeoutMs: head.timeoutMs,
      peer: this.#peer,
    });
    if (!route.streaming) this.#call(new Call(this, head, route, context), message);
    else if (stream !== undefined) this.#open(new Session(this, stream, head, route, context));
    else {
      const error = new MicroError({
        id: "go.micro.server",
        code: 400,
        detail: `${head.endpoint} is a stream and was called without one; open it with client.stream`,
      });
      this.#answerNow(errorAnswer(head, this.router.failure(error, head.endpoint)));
    }
  }

  /** As in go-micro, and so that no caller can say who it is: two of the headers are the server's. */
  #metadata(header: Metadata): Metadata {
    return Object.assign(newMetadata(), header, { Local: this.#socket.local, Remote: this.#peer.address });
  }

  #call(call: Call, message: Message): void {
    this.#pending.push(call);
    call.run(message);
  }

  #open(session: Session): void {
    this.#sessions.set(session.stream, session);
    void session.run();
  }

  #event(topic: string, message: Message): void {
    const event: Pending = { answer: undefined };
    this.#pending.push(event);
    this.#host.subscriptions.dispatch(topic, message, { peer: this.#peer }).then(
      () => this.#answer(event, eventAnswer(message.header)),
      (thrown) => this.#answer(event, eventAnswer(message.header, MicroError.from(thrown))),
    );
  }

  #answerNow(answer: Message): void {
    const pending: Pending = { answer: undefined };
    this.#pending.push(pending);
    this.#answer(pending, answer);
  }

  #answer(pending: Pending, answer: Message): void {
    pending.answer = answer;
    pending.context?.finish();
    for (let first = this.#pending[0]; first?.answer !== undefined; first = this.#pending[0]) {
      this.#pending.shift();
      if (!this.#gone && !this.send(first.answer)) this.#block();
    }
    this.#regulate();
    this.#settle();
  }

  #block(): void {
    if (this.#blocked !== undefined) return;
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    this.#blocked = { promise, resolve };
  }

  /**
   * Reads only while what is read can be dealt with. A stream whose answers wait is no reason to stop: its
   * handler waits for them by itself.
   */
  #regulate(): void {
    const answersWait = this.#blocked !== undefined && this.#sessions.size === 0;
    const pause = this.#crowded.size > 0 || this.#pending.length >= maxPending || answersWait;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Something has ended: perhaps it was the last that the connection was kept for. */
  #settle(): void {
    if (this.#pending.length > 0 || this.#sessions.size > 0) return;
    if (this.#socket.closed) this.#host.closed(this);
    const leave = this.#leave;
    if (leave === undefined) return;
    this.#leave = () => {};
    leave();
  }

  /** Nothing can be sent any more: what is in flight is told to stop. */
  #end(reason: MicroError): void {
    this.#gone = true;
    for (const pending of this.#pending) pending.context?.cancel(reason);
    for (const session of this.#sessions.values()) session.abort(reason);
    this.#blocked?.resolve();
    this.#blocked = undefined;
  }
}
