import { MicroError } from "../errors.ts";
import type { ClientStream } from "./client.ts";

/** What a stream is sent: an array will do. */
export type Requests<Request = unknown> = AsyncIterable<Request> | Iterable<Request>;

/**
 * Opens a stream when the first answer is asked for, sends all requests and then their end, and gives the answers
 * meanwhile. Leaving the answers closes the stream, and whatever ends it stops the requests.
 *
 * What the requests throw, or a request that can't be encoded, ends the stream and is thrown by the answers.
 */
export function converse(
  open: () => Promise<ClientStream>,
  requests: Requests,
): AsyncIterableIterator<unknown> {
  let opening: Promise<Conversation> | undefined;
  let over = false;
  return {
    async next() {
      if (over) return { done: true, value: undefined };
      opening ??= open().then((stream) => new Conversation(stream, requests));
      try {
        const conversation = await opening;
        const result = await conversation.next();
        if (result.done === true) over = true;
        return result;
      } catch (thrown) {
        over = true;
        throw thrown;
      }
    },
    async return(value?: unknown) {
      over = true;
      // One that is still being opened is closed when it is open.
      void opening?.then((conversation) => conversation.leave()).catch(() => {});
      return { done: true, value };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

class Conversation {
  readonly #stream: ClientStream;
  readonly #answers: AsyncIterator<unknown>;
  readonly #requests: AsyncIterator<unknown> | Iterator<unknown>;
  #over = false;
  /** Why the requests ended early. */
  #failure: { readonly error: unknown } | undefined;

  constructor(stream: ClientStream, requests: Requests) {
    this.#stream = stream;
    this.#answers = stream[Symbol.asyncIterator]();
    this.#requests =
      Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
    void this.#send();
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const result = await this.#answers.next();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (result.done === true) this.#finish();
      return result;
    } catch (thrown) {
      this.#finish();
      throw this.#failure?.error ?? thrown;
    }
  }

  async leave(): Promise<void> {
    this.#finish();
    await this.#stream.close();
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    try {
      while (!this.#over) {
        const { done, value } = await this.#requests.next();
        if (this.#over) return;
        if (done === true) return await this.#tell(this.#stream.end());
        await this.#tell(this.#stream.send(value));
      }
    } catch (error) {
      this.#failure = { error };
      await this.leave().catch(() => {});
    }
  }

  /** A stream that takes no more says why, and whether that is a failure, with its answers. */
  async #tell(sent: Promise<void>): Promise<void> {
    try {
      await sent;
    } catch (thrown) {
      if (!MicroError.is(thrown) || thrown.reason === "encode-failed") throw thrown;
      this.#finish();
    }
  }

  /** Ends the requests. One that is being waited for may never come, so its end isn't waited for either. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    void Promise.resolve(this.#requests.return?.()).catch(() => {});
  }
}
