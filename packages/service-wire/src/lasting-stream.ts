import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { MicroError, retryWaitMs, serviceUnavailable } from "ts-micro";
import type { CallOptions } from "ts-micro/client";
import { askToConfirm } from "./confirm.ts";
import type { Remote } from "./remote.ts";

/** A stream of answers that is meant to last. */
export interface Lasting<Item> {
  /** For the log: `the subscription to "orders"`. */
  readonly what: string;
  open(options: CallOptions): AsyncIterable<Item>;
  /** Whether it is the empty item that was asked for. */
  isConfirmation(item: Item): boolean;
  /** Awaited before the next item is read. */
  onItem(item: Item): void | Promise<void>;
  /** The stream is open; its items follow once this resolves. What it throws breaks the stream. */
  onOpen?(opened: Opened): void | Promise<void>;
}

export interface Opened {
  /** False after the stream broke: something may have been missed. */
  readonly isFirst: boolean;
  /** Aborts when the stream breaks or is closed. */
  readonly signal: AbortSignal;
}

/** Longest wait before a stream is opened again, in milliseconds. */
const longestRetryMs = 2_000;

/** go-micro's services confirm nothing: after this long, in milliseconds, a stream that is open counts as theirs. */
const confirmationMs = 2_000;

type Items<Item> = () => Promise<IteratorResult<Item>>;

/** Opens a stream again whenever it ends or breaks, until it is closed. */
export class LastingStream<Item> {
  readonly #remote: Remote;
  readonly #stream: Lasting<Item>;
  readonly #closed = new AbortController();
  /** Ends the present stream. */
  #present = new AbortController();
  /** Its name. */
  #id = "";
  #items: Items<Item> | undefined;
  #isFinishing = false;
  #following: Promise<void> | undefined;

  constructor(remote: Remote, stream: Lasting<Item>) {
    this.#remote = remote;
    this.#stream = stream;
  }

  /** Resolves when nothing can be missed any more, as far as the service tells. @throws MicroError */
  async start(): Promise<void> {
    this.#items = await this.#open();
    try {
      await this.#stream.onOpen?.({ isFirst: true, signal: this.#present.signal });
    } catch (error) {
      this.#present.abort();
      throw error;
    }
    this.#following = this.#follow();
  }

  /** Ends the present stream, to open another. */
  reopen(): void {
    this.#present.abort();
  }

  /**
   * Asks the service to end the stream, and takes what it still sends; after `timeoutMs`, and where the service can't
   * be asked, closes it.
   * @param end asks; `id` is the stream's name
   */
  async finish(end: (id: string, options: CallOptions) => Promise<unknown>): Promise<void> {
    const { timeoutMs } = this.#remote.options;
    this.#isFinishing = true;
    try {
      await end(this.#id, { addresses: [this.#remote.address] });
      await Promise.race([this.#following, pause(timeoutMs, undefined, { signal: this.#closed.signal })]);
    } catch {
      // go-micro's services know no such call. One that is away sends nothing more.
    }
    await this.close();
  }

  /** Resolves when no item is handled any more. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#present.abort();
    this.#remote.forget(this as LastingStream<unknown>);
    await this.#following;
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #follow(): Promise<void> {
    const { logger } = this.#remote.options;
    const { what } = this.#stream;
    for (let failures = 0; !this.#isClosed; ) {
      try {
        if (this.#items === undefined) {
          this.#items = await this.#open();
          await this.#stream.onOpen?.({ isFirst: false, signal: this.#present.signal });
          logger.info(`${what} goes on at ${this.#remote.address}`);
          failures = 0;
        }
        await this.#read(this.#items);
      } catch (error) {
        this.#items = undefined;
        this.#present.abort();
        if (this.#isClosed || this.#isFinishing) return;
        logger.log(failures === 0 ? "warn" : "debug", `${what} broke, opening it again: ${textOf(error)}`);
        failures++;
        await this.#wait(failures);
      }
    }
  }

  /** @throws what ended the stream */
  async #read(next: Items<Item>): Promise<never> {
    for (;;) {
      const { done, value } = await next();
      if (done === true) throw serviceUnavailable(this.#remote.options.service, "the service ended it");
      await this.#stream.onItem(value);
    }
  }

  #open(): Promise<Items<Item>> {
    return this.#remote.call(async (options) => {
      this.#present = new AbortController();
      if (this.#isClosed) this.#present.abort();
      const { signal } = this.#present;
      this.#id = randomUUID();
      const iterator = this.#stream
        .open({ ...options, signal, metadata: askToConfirm(this.#id) })
        [Symbol.asyncIterator]();
      const first = iterator.next();
      const confirmed = await Promise.race([first, this.#confirmationTime(signal)]);
      if (confirmed?.done === true) {
        throw serviceUnavailable(this.#remote.options.service, `${this.#stream.what} was ended at once`);
      }
      if (confirmed !== undefined && this.#stream.isConfirmation(confirmed.value))
        return () => iterator.next();
      // Whoever reads on hears of it; until then it must not be an unhandled rejection.
      first.catch(() => {});
      let pending: Promise<IteratorResult<Item>> | undefined = first;
      return () => {
        const next = pending ?? iterator.next();
        pending = undefined;
        return next;
      };
    });
  }

  async #confirmationTime(signal: AbortSignal): Promise<undefined> {
    await pause(confirmationMs, undefined, { ref: false, signal }).catch(() => {});
  }

  async #wait(failures: number): Promise<void> {
    const ms = retryWaitMs(failures, longestRetryMs);
    await pause(ms, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
  }
}

function textOf(error: unknown): string {
  return MicroError.is(error) ? error.detail : String(error);
}
