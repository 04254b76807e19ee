import { decodeBody, encodeBody } from "../codec/body.ts";
import type { CallContext } from "../context.ts";
import { MicroError } from "../errors.ts";
import { endOfStream, headers } from "../headers.ts";
import { Inbox } from "../inbox.ts";
import { bodyLength } from "../transport/message.ts";
import { checkBodySize } from "../transport/message-size.ts";
import type { Message } from "../transport/transport.ts";
import type { RequestHead } from "./request.ts";
import { halfCloseAnswer, streamEnd, streamItem } from "./response.ts";
import { answersInARow, iterable, nextTurn } from "./results.ts";
import type { Route, Router } from "./router.ts";

/** What a session needs of the connection it belongs to. */
export interface SessionHost {
  readonly router: Router;
  /** The longest body of an answer, in bytes. */
  readonly maxAnswerBytes: number | undefined;
  send(message: Message): boolean;
  /** Resolves when `send` may be used again after it gave false; also when the connection is gone. */
  drained(): Promise<void>;
  /** More waits for the handler than it should, or no longer does. */
  crowded(session: Session, crowded: boolean): void;
  /** The handler has ended and its last message was sent. */
  ended(session: Session): void;
}

/** Messages that wait for a handler before the connection is no longer read. The same as go-micro's. */
const inboxSize = 128;
/** The same for their bodies, in bytes. */
const inboxBytes = 1024 * 1024;

/** One stream: the caller's messages become the handler's requests, what the handler yields the answers. */
export class Session {
  /** `Micro-Stream` of all its messages. */
  readonly stream: string;
  readonly context: CallContext;
  /** The client has said that it sends no more. */
  ended = false;
  readonly #host: SessionHost;
  readonly #head: RequestHead;
  readonly #route: Route;
  readonly #inbox: Inbox<Message, unknown>;
  #bytes = 0;
  #gone = false;

  constructor(host: SessionHost, stream: string, head: RequestHead, route: Route, context: CallContext) {
    this.stream = stream;
    this.context = context;
    this.#host = host;
    this.#head = head;
    this.#route = route;
    this.#inbox = new Inbox(
      (message) => this.#decode(message),
      () => this.#host.crowded(this, this.#isCrowded()),
    );
  }

  /** A message of this stream, after the first, which only opens it. */
  message(message: Message): void {
    const error = message.header[headers.error];
    if (error === endOfStream) {
      this.ended = true;
      this.#inbox.end();
      if (message.header[headers.halfClose] !== undefined) {
        this.#host.send(halfCloseAnswer(this.#head, this.stream));
      }
    } else if (error) this.#fail(MicroError.parse(error));
    else {
      this.#bytes += bodyLength(message);
      this.#inbox.push(message);
      if (this.#isCrowded()) this.#host.crowded(this, true);
    }
  }

  /** Nobody is there any more: aborts the handler's signal, and nothing further is sent. */
  abort(reason: MicroError): void {
    this.#gone = true;
    this.#fail(reason);
  }

  /** Runs the handler to its end. Never rejects. */
  async run(): Promise<void> {
    const head = this.#head;
    let failure: MicroError | undefined;
    try {
      const request = {
        service: head.service,
        endpoint: head.endpoint,
        contentType: head.contentType,
        streaming: true,
        body: this.#inbox,
      };
      const answers = iterable(head.endpoint, await this.#route.invoke(request, this.context));
      let sent = 0;
      for await (const value of answers) {
        // Leaving the loop runs the handler's `finally` blocks.
        if (this.#gone) break;
        if (!this.#host.send(this.#item(value))) await this.#host.drained();
        if (++sent % answersInARow === 0) await nextTurn();
        if (this.#gone) break;
      }
    } catch (thrown) {
      // A handler that gives up because the caller left has not failed.
      failure = this.#gone ? MicroError.from(thrown) : this.#host.router.failure(thrown, head.endpoint);
    }
    void this.#inbox.return();
    this.context.finish();
    if (!this.#gone) this.#host.send(streamEnd(head, this.stream, failure));
    this.#host.ended(this);
  }

  #fail(error: MicroError): void {
    this.ended = true;
    this.#inbox.fail(error);
    this.context.cancel(error);
  }

  #decode(message: Message): unknown {
    this.#bytes -= bodyLength(message);
    const { value = {} } = decodeBody(this.#head.codec, message, "request", this.#route.requestType);
    return value;
  }

  #item(value: unknown): Message {
    const frame = { kind: "response", id: this.#head.id, endpoint: this.#head.endpoint, error: "" } as const;
    const body = encodeBody(this.#head.codec, value, frame, this.#route.responseType);
    const what = `an answer of the stream ${this.#head.endpoint}`;
    checkBodySize(body, this.#host.maxAnswerBytes, { id: "go.micro.server", what, code: 500 });
    return streamItem(this.#head, this.stream, body);
  }

  #isCrowded(): boolean {
    return this.#inbox.size >= inboxSize || (this.#bytes >= inboxBytes && this.#inbox.size > 0);
  }
}
