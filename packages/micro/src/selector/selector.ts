import type { MicroError } from "../errors.ts";
import type { PartOptions } from "../parts.ts";
import type { Node, Service } from "../registry/registry.ts";
import type { Shape } from "../shape.ts";

/**
 * Chooses the node that a call goes to, and learns from how calls end.
 */
export interface Selector extends AsyncDisposable {
  /** The word users write after `--selector=`. */
  readonly name: string;
  /**
   * Looks the service up and returns the function that picks a node for each attempt: at once when
   * nothing has to be waited for.
   * @throws MicroError 500 id `go.micro.client`: `service-not-found` when nobody registered the service,
   *   `no-node-available` when the filters left none (go-micro's codes).
   */
  select(service: string, options?: SelectOptions): Next | PromiseLike<Next>;
  /** An attempt on `node` ended; without an error it went well. Never throws. */
  mark(service: string, node: Node, error?: MicroError): void;
  /** Forgets what was learnt about the service's nodes. */
  reset(service: string): void;
  /**
   * Calls `listener` after the nodes of a service changed, with those that are left. Returns the function that stops
   * it. Absent from selectors that can't know.
   */
  observe?(listener: NodesListener): () => void;
  /** Ends watchers. Idempotent. */
  close(): Promise<void>;
}

/** Returns the node for the next attempt; one that was tried before only when no other is left. */
export type Next = () => Node;

export type NodesListener = (service: string, nodes: readonly Node[]) => void;

/** Narrows what may be chosen; may throw a MicroError that says why nothing is left. */
export type Filter = (services: readonly Service[]) => readonly Service[];

/** Picks from the nodes that the filters left (never empty). State that outlives one call belongs to the strategy. */
export type Strategy = (service: string, nodes: readonly Node[]) => Node;

export interface SelectOptions {
  filters?: readonly Filter[];
  /** @default the selector's own */
  strategy?: Strategy | undefined;
  /** Limit of the look-up, in milliseconds. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface SelectorOptions extends PartOptions {
  /** @default random */
  strategy?: Strategy;
}

export const selectorShape: Shape<Selector> = {
  name: "string",
  select: "method",
  mark: "method",
  reset: "method",
  observe: "method?",
  close: "promise",
  [Symbol.asyncDispose]: "promise",
};
