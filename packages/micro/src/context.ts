import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { timeout } from "./errors.ts";
import { type Metadata, newMetadata } from "./metadata.ts";

/** What a handler knows about its call beside the request itself. */
export interface Context {
  /** All headers of the call, keys in canonical form. Read them with `getMetadata`, which ignores case. */
  readonly metadata: Metadata;
  /** When the caller stops waiting, on the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number | undefined;
  /** Aborts when the caller cancels, goes away, or the deadline passes. Made on first access. */
  readonly signal: AbortSignal;
  readonly peer: Peer;
  /** Milliseconds until the deadline, never below 0; `undefined` without a deadline. */
  remainingMs(): number | undefined;
}

export interface Peer {
  /** The caller's `host:port`, as far as the transport knows it. */
  readonly address: string;
}

export interface ContextFields {
  /** Or what makes it, when somebody looks. */
  metadata?: Metadata | (() => Metadata);
  /** Milliseconds from `begunAt`. */
  timeoutMs?: number | undefined;
  /** When the request came, on the clock of `performance.now()`. @default now */
  begunAt?: number;
  peer?: Peer;
}

const noFields: ContextFields = {};
const unknownPeer: Peer = Object.freeze({ address: "" });

/**
 * The context that servers give to handlers. `cancel` belongs to the server; handlers see `Context`.
 *
 * No timer and no `AbortController` exists until `signal` is read.
 */
export class CallContext implements Context {
  readonly deadline: number | undefined;
  readonly peer: Peer;
  #metadata: Metadata | (() => Metadata) | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: { reason: unknown } | undefined;

  constructor(fields: ContextFields = noFields) {
    this.#metadata = fields.metadata;
    const { timeoutMs, begunAt } = fields;
    this.deadline = timeoutMs === undefined ? undefined : (begunAt ?? performance.now()) + timeoutMs;
    this.peer = fields.peer ?? unknownPeer;
  }

  get metadata(): Metadata {
    if (typeof this.#metadata !== "object") this.#metadata = this.#metadata?.() ?? newMetadata();
    return this.#metadata;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // A handler may have any number of nested calls in flight, each of which listens.
      setMaxListeners(0, this.#controller.signal);
      const remaining = this.remainingMs();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
      else if (remaining !== undefined) {
        // Node cuts the fraction off and counts from the start of the event loop's turn: one more, so that it is
        // never early. It fires timers past 2^31 ms at once; nobody waits for those 24 days.
        const wait = Math.min(Math.ceil(remaining) + 1, 0x7fff_ffff);
        this.#timer = setTimeout(
          () => this.cancel(timeout("go.micro.server", "deadline exceeded", { reason: "timeout" })),
          wait,
        );
        this.#timer.unref();
      }
    }
    return this.#controller.signal;
  }

  remainingMs(): number | undefined {
    return this.deadline === undefined ? undefined : Math.max(0, this.deadline - performance.now());
  }

  /** Aborts `signal`, now or when it is first read. A second call does nothing. */
  cancel(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    clearTimeout(this.#timer);
    this.#controller?.abort(reason);
  }

  /** The call is over: releases the deadline's timer without aborting anything. */
  finish(): void {
    clearTimeout(this.#timer);
  }
}
