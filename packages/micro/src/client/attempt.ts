import type { Metadata } from "../metadata.ts";
import type { Node } from "../registry/registry.ts";
import type { Try } from "./call.ts";
import type { Attempt, CallFunction, CallRequest } from "./client.ts";
import type { MetadataSource } from "./inherit.ts";
import type { Limit } from "./limit.ts";
import type { ClientSettings } from "./settings.ts";

/** One attempt of a call, as a wire protocol gets it: its metadata is complete and safe to send, and its own. */
export interface WireAttempt extends Attempt {
  /** Ends the attempt when the call ends. */
  readonly limit: Limit;
}

/** Gives the function that makes one attempt of a request by `call`, inside the client's call wrappers. */
export function attemptsBy(
  call: (attempt: WireAttempt) => Promise<unknown>,
  settings: ClientSettings,
  metadata: MetadataSource,
): (request: CallRequest) => Try<unknown> {
  // The first of the list is the outermost.
  const chain = settings.wrapCall.reduceRight<CallFunction>(
    (next, wrap) => wrap(next),
    settings.wrapCall.length === 0 ? (attempt) => call(attempt as NewAttempt) : afterWrappers,
  );
  return (request) => (node, number, limit) =>
    chain(
      new NewAttempt(node, request, metadata(request.metadata, request.context?.metadata), number, limit),
    );

  async function afterWrappers(attempt: Attempt): Promise<unknown> {
    // They may have written any key in any case, and may hold on to their map.
    return call({ ...attempt, limit: limitOf(attempt), metadata: metadata(attempt.metadata, undefined) });
  }
}

class NewAttempt implements WireAttempt {
  readonly node: Node;
  readonly request: CallRequest;
  readonly metadata: Metadata;
  readonly number: number;
  readonly remainingMs: number;
  /** Not for wrappers; an own property, so that it stays when one passes a changed copy on. */
  readonly limit: Limit;

  constructor(node: Node, request: CallRequest, metadata: Metadata, number: number, limit: Limit) {
    this.node = node;
    this.request = request;
    this.metadata = metadata;
    this.number = number;
    this.remainingMs = limit.remainingMs();
    this.limit = limit;
  }
}

function limitOf(attempt: Attempt): Limit {
  if ("limit" in attempt) return (attempt as NewAttempt).limit;
  throw new TypeError(
    "a call wrapper must pass on the attempt that it was given, or a copy: next({ ...attempt, … })",
  );
}
