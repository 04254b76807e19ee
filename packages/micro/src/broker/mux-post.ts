import type { ErrorReason, MicroError } from "../errors.ts";
import type { Node } from "../registry/registry.ts";
import { cancelled } from "./failures.ts";
import type { MuxPublisher, Route } from "./mux-publisher.ts";
import type { Outgoing } from "./outgoing.ts";
import { failure, type Outcome } from "./sender.ts";

/** One message for one subscription, until it is known what became of it. */
export class Post {
  readonly node: Node;
  readonly message: Outgoing;
  /** What holds it now: it waits there, or to be confirmed. */
  holder: MuxPublisher | undefined = undefined;
  route: Route | undefined = undefined;
  /** Its number on the connection; 0 while it has not left. */
  number = 0;
  /** When no confirmation is waited for any more, on the clock of `performance.now()`. */
  deadline = Infinity;
  /** When the connection had last received something as it left, on the same clock. */
  heardBefore = 0;
  /** A connection ended before it could leave. */
  returned = false;
  /** The publisher waits no longer. */
  ended = false;
  readonly #outcome: Outcome;
  #stopListening: (() => void) | undefined;

  constructor(node: Node, message: Outgoing, signal: AbortSignal | undefined, outcome: Outcome) {
    this.node = node;
    this.message = message;
    this.#outcome = outcome;
    if (signal !== undefined) this.#listen(signal);
  }

  succeed(): void {
    if (this.ended) return;
    this.#end();
    this.#outcome.taken();
  }

  /** @param reason none when the node itself refused the message */
  fail(code: number, what: string, reason?: ErrorReason, cause?: unknown): void {
    this.#fail(failure(this.node, code, what, reason, cause));
  }

  #listen(signal: AbortSignal): void {
    const cancel = (): void => {
      if (this.ended) return;
      this.#fail(cancelled(`publishing to ${this.node.address}`, signal));
      this.holder?.forget(this);
    };
    signal.addEventListener("abort", cancel, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", cancel);
  }

  #fail(error: MicroError): void {
    if (this.ended) return;
    this.#end();
    this.#outcome.failed(error);
  }

  #end(): void {
    this.ended = true;
    this.#stopListening?.();
  }
}
