import type { ErrorReason, MicroError } from "../errors.ts";
import type { Node } from "../registry/registry.ts";
import { cancelled } from "./failures.ts";
import type { MuxPublisher, Route } from "./mux-publisher.ts";
import type { Outgoing } from "./outgoing.ts";
import { failure } from "./sender.ts";

/** One message for one subscription, until it is known what became of it. */
export class Post {
  readonly node: Node;
  readonly message: Outgoing;
  /** What holds it now: it waits there, or for an answer. */
  holder: MuxPublisher | undefined;
  route: Route | undefined;
  /** Its number on the connection; 0 while it has not left. */
  id = 0;
  /** When no answer is waited for any more, on the clock of `performance.now()`. */
  deadline = Infinity;
  /** When the connection had last received something as it left, on the same clock. */
  heardBefore = 0;
  /** A connection ended before it could leave. */
  returned = false;
  #ended = false;
  readonly #taken: () => void;
  readonly #failed: (error: MicroError) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(
    node: Node,
    message: Outgoing,
    signal: AbortSignal | undefined,
    taken: () => void,
    failed: (error: MicroError) => void,
  ) {
    this.node = node;
    this.message = message;
    this.#taken = taken;
    this.#failed = failed;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /** The publisher waits no longer. */
  get ended(): boolean {
    return this.#ended;
  }

  succeed(): void {
    this.#end();
    this.#taken();
  }

  /** @param reason none when the node itself refused the message */
  fail(code: number, what: string, reason?: ErrorReason, cause?: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#failed(failure(this.node, code, what, reason, cause));
  }

  readonly #cancel = (): void => {
    if (this.#ended) return;
    this.#end();
    this.holder?.forget(this);
    this.#failed(cancelled(`publishing to ${this.node.address}`, this.#signal as AbortSignal));
  };

  #end(): void {
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#cancel);
  }
}
