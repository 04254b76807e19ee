import type { Duplex } from "node:stream";
import type { Codecs } from "../codec/codec.ts";
import { CallContext, type Peer } from "../context.ts";
import { badRequest, MicroError } from "../errors.ts";
import { headers } from "../headers.ts";
import type { Metadata } from "../metadata.ts";
import { type Body, decodeBody, encodeBody } from "../mux/body.ts";
import { decimal } from "../mux/decimal.ts";
import { letters } from "../mux/letters.ts";
import { BadFrame, type Line } from "../mux/line.ts";
import { Link, type LinkEvents } from "../mux/link.ts";
import { readMetadata } from "../mux/metadata.ts";
import { Ring } from "../mux/ring.ts";
import { isPromiseLike } from "../promise-like.ts";
import { bodyTooLarge } from "../transport/message-size.ts";
import { localAddressOf, remoteAddressOf } from "../transport/stream-address.ts";
import { unencodable } from "./call.ts";
import { type MuxHead, MuxHeads } from "./mux-heads.ts";
import { MuxSession } from "./mux-session.ts";
import type { Router } from "./router.ts";

/** What all connections of a server share. */
export interface MuxHost {
  readonly service: string;
  readonly router: Router;
  readonly codecs: Codecs;
  /** The longest body of a frame, in either direction, in bytes. */
  readonly maxBodyBytes: number;
  /** The connection is closed and none of its handlers runs any more. */
  closed(connection: MuxConnection): void;
}

/** Calls and streams of one caller that may run together until the connection is no longer read. */
const maxRunning = 4096;

/** One caller's connection: starts its calls and streams, and sends the answers in the order in which they come. */
export class MuxConnection implements LinkEvents {
  readonly #host: MuxHost;
  readonly #link: Link;
  readonly #local: string;
  readonly #peer: Peer;
  readonly #heads: MuxHeads;
  readonly #calls = new Ring<CallContext>();
  readonly #sessions = new Map<number, MuxSession>();
  #paused = false;
  #waiting: (() => void)[] = [];
  /** The server leaves, and the caller has said that no call comes any more. */
  #understood = false;
  #left: (() => void) | undefined;
  #gone = false;

  constructor(host: MuxHost, socket: Duplex) {
    this.#host = host;
    this.#heads = new MuxHeads(host.router, host.codecs);
    this.#local = localAddressOf(socket);
    this.#peer = { address: remoteAddressOf(socket) };
    this.#link = new Link(socket, this, { maxBodyBytes: host.maxBodyBytes });
  }

  frame(letter: number, line: Line): void {
    switch (letter) {
      case letters.call:
        this.#call(line);
        break;
      case letters.head:
        this.#heads.define(line);
        break;
      case letters.open:
        this.#open(line);
        break;
      case letters.cancel:
        this.#cancel(line.number());
        break;
      case letters.item:
      case letters.end:
      case letters.window:
        this.#sessions.get(line.number())?.frame(letter, line);
        break;
      case letters.understood:
        this.#understood = true;
        this.#settle();
    }
  }

  drain(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#regulate();
  }

  closed(cause?: Error): void {
    this.#end(cancelled("the caller has gone away", cause));
    this.#settle();
  }

  /** Asks the caller to go elsewhere, and closes when all that it has sent is answered. Resolves when it is closed. */
  leave(): Promise<void> {
    return new Promise((resolve) => {
      this.#left = resolve;
      this.#link.write("g\n");
      this.#settle();
    });
  }

  destroy(reason: MicroError): void {
    this.#end(reason);
    this.#link.destroy();
  }

  send(fields: string, body: Body): void {
    this.#link.send(fields, body);
    this.#regulate();
  }

  write(frame: string): void {
    this.#link.write(frame);
  }

  /** Resolves when what was sent has left far enough; also when the connection is gone. */
  whenDrained(): Promise<void> {
    if (!this.#link.congested || this.#gone) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** @throws MicroError 500 `too-large`; as the codec does */
  encoded(head: MuxHead, value: unknown, what: string): Body {
    const body = encodeBody(head.codec, value, head.frame, head.route.responseType);
    const { maxBodyBytes } = this.#host;
    if (body.length > maxBodyBytes) {
      const sender = { id: "go.micro.server", what: `${what} of ${head.endpoint}`, code: 500 } as const;
      throw bodyTooLarge(body, maxBodyBytes, sender);
    }
    return body;
  }

  sessionEnded(id: number): void {
    this.#sessions.delete(id);
    this.#regulate();
    this.#settle();
  }

  sendError(id: number, error: MicroError): void {
    // An error without an id and a code is a plain text in go-micro; here all have one form.
    this.send(`e${decimal(id)} `, JSON.stringify(error));
  }

  #call(line: Line): void {
    const id = line.number();
    const head = this.#headOf(id, line.number());
    if (head === undefined) return;
    const context = this.#context(head, line);
    const { route } = head;
    if (route.streaming) {
      const detail = `${head.endpoint} is a stream and was called without one; open it with client.stream`;
      this.#fail(id, context, head, badRequest("go.micro.server", detail));
      return;
    }
    let result: unknown;
    try {
      const { service, endpoint, contentType } = head;
      const body = decodeBody(head.codec, line, "request", route.requestType) ?? {};
      result = route.invoke({ service, endpoint, contentType, streaming: false, body }, context);
    } catch (thrown) {
      this.#fail(id, context, head, thrown);
      return;
    }
    if (!isPromiseLike(result)) {
      this.#succeed(id, context, head, result);
      return;
    }
    if (this.#calls.get(id) !== undefined) throw new BadFrame(`the call ${id} is running already`);
    this.#calls.set(id, context);
    if (this.#calls.size >= maxRunning) this.#regulate();
    result.then(
      (value) => this.#succeed(id, context, head, value),
      (thrown) => this.#fail(id, context, head, thrown),
    );
  }

  #open(line: Line): void {
    const id = line.number();
    const head = this.#headOf(id, line.number());
    if (head === undefined) return;
    if (this.#sessions.has(id)) throw new BadFrame(`the stream ${id} is open already`);
    const context = this.#context(head, line);
    if (!head.route.streaming) {
      const detail = `${head.endpoint} is no stream; call it with client.call`;
      this.#fail(id, context, head, badRequest("go.micro.server", detail));
      return;
    }
    const session = new MuxSession(this, this.#host.router, id, head, context);
    this.#sessions.set(id, session);
    if (this.#sessions.size >= maxRunning) this.#regulate();
    void session.run();
  }

  /** Answers the call itself when there is no such endpoint. */
  #headOf(id: number, number: number): MuxHead | undefined {
    try {
      return this.#heads.of(number);
    } catch (thrown) {
      if (thrown instanceof BadFrame) throw thrown;
      this.sendError(id, this.#host.router.failure(thrown, this.#heads.endpointOf(number)));
      return undefined;
    }
  }

  #context(head: MuxHead, line: Line): CallContext {
    const timeoutMs = line.number();
    const extra = line.word();
    return new CallContext({
      metadata: () => this.#metadata(head, extra),
      timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
      begunAt: this.#link.heardAt,
      peer: this.#peer,
    });
  }

  /** What a mucp request would have had in its headers, its number excepted. */
  #metadata(head: MuxHead, extra: string): Metadata {
    const metadata = readMetadata(extra);
    metadata[headers.contentType] = head.contentType;
    metadata[headers.endpoint] = head.endpoint;
    metadata[headers.service] = head.service;
    if (head.from !== "") metadata[headers.fromService] = head.from;
    metadata.Local = this.#local;
    metadata.Remote = this.#peer.address;
    return metadata;
  }

  #succeed(id: number, context: CallContext, head: MuxHead, value: unknown): void {
    let body: Body;
    try {
      body = this.encoded(head, value, "the answer");
    } catch (thrown) {
      this.#fail(id, context, head, unencodable(thrown));
      return;
    }
    this.#over(id, context);
    if (!this.#gone) this.send(`a${decimal(id)} `, body);
    this.#settle();
  }

  #fail(id: number, context: CallContext, head: MuxHead, thrown: unknown): void {
    const error = this.#host.router.failure(thrown, head.endpoint);
    this.#over(id, context);
    if (!this.#gone) this.sendError(id, error);
    this.#settle();
  }

  #over(id: number, context: CallContext): void {
    context.finish();
    if (this.#calls.delete(id)) this.#regulate();
  }

  #cancel(id: number): void {
    const reason = cancelled("cancelled by the caller");
    // It is answered all the same: the answer finds nobody.
    this.#calls.get(id)?.cancel(reason);
    this.#sessions.get(id)?.abort(reason);
  }

  /** Reads only while what is read can be dealt with. */
  #regulate(): void {
    const pause = this.#link.congested || this.#calls.size >= maxRunning || this.#sessions.size >= maxRunning;
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#link.pause();
    else this.#link.resume();
  }

  /** Something has ended: perhaps it was the last that the connection was kept for. */
  #settle(): void {
    if (this.#calls.size > 0 || this.#sessions.size > 0) return;
    if (this.#gone) {
      this.#host.closed(this);
      this.#left?.();
    } else if (this.#left !== undefined && this.#understood) this.#link.end();
  }

  /** Nothing can be sent any more: what is in flight is told to stop. */
  #end(reason: MicroError): void {
    this.#gone = true;
    for (const context of this.#calls.values()) context.cancel(reason);
    for (const session of this.#sessions.values()) session.abort(reason);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function cancelled(detail: string, cause?: Error): MicroError {
  return new MicroError({
    id: "go.micro.server",
    code: 499,
    detail,
    reason: "cancelled",
    ...(cause !== undefined && { cause }),
  });
}
