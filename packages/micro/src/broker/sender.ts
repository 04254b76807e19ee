import { type ErrorReason, MicroError } from "../errors.ts";
import type { TlsOptions } from "../parts.ts";
import type { Node } from "../registry/registry.ts";
import { brokerErrorId } from "./failures.ts";
import type { Outgoing } from "./outgoing.ts";

/** Brings messages to the nodes of subscribers, over connections that are kept. */
export interface Sender {
  /** Tells what became of the message at this node. Never throws. */
  post(node: Node, message: Outgoing, signal: AbortSignal | undefined, outcome: Outcome): void;
  close(): void;
}

/** What is told whether a message was taken: one of the two, once. No promise, for that would be one more for each message. */
export interface Outcome {
  taken(): void;
  /**
   * @param thrown of a sender a MicroError naming the node: 404 when the subscription is gone, another code that the node
   *   gave, or 503 when it could not be reached or did not answer. Only the last has a reason; with
   *   `connection-lost` the node may have taken the message.
   */
  failed(thrown: unknown): void;
}

/** The outcome as a promise, for what waits for several. */
export function settled(start: (outcome: Outcome) => void): Promise<void> {
  return new Promise((taken, failed) => start({ taken, failed }));
}

export interface SenderOptions {
  /** Limit for one message to one node, from when it leaves, in milliseconds. */
  timeoutMs: number;
  tls: TlsOptions | undefined;
}

/** The error of a node that has not taken a message. */
export function failure(
  node: Node,
  code: number,
  what: string,
  reason?: ErrorReason,
  cause?: unknown,
): MicroError {
  const detail = `node ${node.id} at ${node.address}: ${what}`;
  return new MicroError({ id: brokerErrorId, code, detail, cause, ...(reason !== undefined && { reason }) });
}
