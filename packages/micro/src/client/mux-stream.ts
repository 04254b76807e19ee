import { type MicroError, serviceUnavailable } from "../errors.ts";
import { Inbox } from "../inbox.ts";
import { arrivedWeight, type Body, decodeBody, weightOf, windowWeight } from "../mux/body.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import type { CallPath } from "./call.ts";
import type { ClientStream } from "./client.ts";
import type { StreamAttempt } from "./client-over.ts";
import type { Limit } from "./limit.ts";
import { errorIn, unreadable } from "./mux-call.ts";
import type { Exchange, MuxConnection } from "./mux-connection.ts";
import type { Head } from "./mux-heads.ts";

/** Sends the frame that opens the stream, and gives it. */
export function openMuxStream(
  connection: MuxConnection,
  path: Pick<CallPath, "limit" | "done">,
  attempt: StreamAttempt,
): ClientStream {
  return new MuxStream(connection, path, attempt);
}

/** An answer that has arrived: its value, or why it can't be read. */
type Arrived = { readonly value: unknown; readonly weight: number } | { readonly error: MicroError };

interface Unsent {
  readonly body: Body;
  resolve(): void;
  reject(error: unknown): void;
}

class MuxStream implements ClientStream, Exchange {
  readonly #connection: MuxConnection;
  readonly #path: Pick<CallPath, "limit" | "done">;
  readonly #attempt: StreamAttempt;
  readonly #head: Head;
  /** 0 before it is open. */
  #id = 0;
  readonly #inbox: Inbox<Arrived, unknown>;
  readonly #limit: Limit | undefined;
  /** Weight of what may still be sent. */
  #credit = windowWeight;
  /** Weight of what was read and not yet asked for anew. */
  #consumed = 0;
  /** What waits for the server to ask for more, in order. */
  #unsent: Unsent[] = [];
  #sendEnded = false;
  #ended: { readonly error: MicroError | undefined } | undefined;

  constructor(connection: MuxConnection, path: Pick<CallPath, "limit" | "done">, attempt: StreamAttempt) {
    const { request, metadata, deadline } = attempt;
    this.#connection = connection;
    this.#path = path;
    this.#attempt = attempt;
    this.#head = connection.headFor(request, metadata);
    this.#inbox = new Inbox(
      (arrived) => this.#read(arrived),
      () => {},
    );
    const remainingMs = deadline - performance.now();
    this.#limit = path.limit(request, remainingMs, (error) => this.#abort(error));
    this.#limit.doing = "streaming with";
    this.#limit.address = connection.address;
    if (this.#ended !== undefined) {
      // It was over before it began.
      path.done(this.#limit);
      return;
    }
    this.#id = connection.add(this);
    connection.write(`s${this.#id}${this.#head.fields(remainingMs, metadata).trimEnd()}\n`);
  }

  send(body: unknown): Promise<void> {
    return handled(this.#send(body));
  }

  end(): Promise<void> {
    if (!this.#sendEnded && this.#ended === undefined) {
      this.#sendEnded = true;
      if (this.#unsent.length === 0) this.#connection.write(`z${this.#id}\n`);
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#abort(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return {
      next: () => this.#inbox.next(),
      return: async (value) => {
        await this.close();
        return { done: true, value };
      },
    };
  }

  frame(letter: number, line: Line, heardAt: number): void {
    // The server gave up for the same deadline: that must not look like an end of the handler's own.
    if (this.#limit !== undefined && this.#limit.deadline <= heardAt) {
      this.#limit.expire();
      return;
    }
    switch (letter) {
      case letters.item:
        this.#inbox.push(this.#arrived(line));
        break;
      case letters.end:
        this.#finish(undefined);
        break;
      case letters.error:
        this.#finish(errorIn(line));
        break;
      case letters.window:
        this.#credit += line.number();
        this.#sendUnsent();
    }
  }

  closed(error: MicroError): void {
    this.#finish(error);
  }

  async #send(body: unknown): Promise<void> {
    if (this.#ended?.error !== undefined) throw this.#ended.error;
    if (this.#sendEnded || this.#ended !== undefined) throw this.#noMoreRequests();
    const encoded = this.#connection.encoded(this.#head, this.#attempt.request, body);
    if (this.#credit > 0) this.#sendItem(encoded);
    else {
      await new Promise<void>((resolve, reject) => this.#unsent.push({ body: encoded, resolve, reject }));
    }
    if (this.#connection.congested) await this.#connection.whenDrained();
  }

  #sendItem(body: Body): void {
    this.#credit -= weightOf(body);
    this.#connection.send(`i${this.#id} `, body);
  }

  /** The server has asked for more. */
  #sendUnsent(): void {
    while (this.#credit > 0) {
      const next = this.#unsent.shift();
      if (next === undefined) return;
      this.#sendItem(next.body);
      next.resolve();
      if (this.#sendEnded && this.#unsent.length === 0) this.#connection.write(`z${this.#id}\n`);
    }
  }

  #arrived(line: Line): Arrived {
    try {
      const weight = arrivedWeight(line);
      const value = decodeBody(this.#head.codec, line, "response", this.#attempt.request.responseType);
      return { value, weight };
    } catch (thrown) {
      return { error: unreadable(this.#connection.address, thrown) };
    }
  }

  /** What the reader gets of it. */
  #read(arrived: Arrived): unknown {
    if ("error" in arrived) {
      this.#abort(undefined);
      throw arrived.error;
    }
    this.#consumed += arrived.weight;
    if (this.#consumed >= windowWeight / 2 && this.#ended === undefined) {
      this.#connection.write(`w${this.#id} ${this.#consumed}\n`);
      this.#consumed = 0;
    }
    return arrived.value;
  }

  /** The server has ended the stream, or the connection is gone. What has arrived can still be read. */
  #finish(error: MicroError | undefined): void {
    if (this.#ended !== undefined) return;
    this.#over(error);
    if (error === undefined) this.#inbox.end();
    else this.#inbox.fail(error);
  }

  /** Ends the stream at once: the handler's signal aborts, and what has arrived is dropped. */
  #abort(error: MicroError | undefined): void {
    if (this.#ended === undefined) {
      if (this.#id !== 0) this.#connection.write(`x${this.#id}\n`);
      this.#over(error);
    }
    if (error === undefined) void this.#inbox.return();
    else this.#inbox.drop(error);
  }

  #over(error: MicroError | undefined): void {
    this.#ended = { error };
    this.#connection.remove(this.#id);
    if (this.#limit !== undefined) this.#path.done(this.#limit);
    for (const each of this.#unsent.splice(0)) each.reject(error ?? this.#noMoreRequests());
  }

  #noMoreRequests(): MicroError {
    const { service, endpoint } = this.#attempt.request;
    const detail = `${service} ${endpoint}: the stream takes no more requests`;
    return serviceUnavailable("go.micro.client", detail, { reason: "closed" });
  }
}

/** Who doesn't look at the promise learns of the failure from the answers. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
