import type { Metadata } from "../metadata.ts";
import type { Node } from "../registry/registry.ts";
import type { Attempt, CallFunction, CallRequest } from "./client.ts";
import type { MetadataSource } from "./inherit.ts";
import type { Limit } from "./limit.ts";
import type { ClientSettings } from "./settings.ts";

/** One attempt of a call, as a wire protocol gets it: its metadata is complete and safe to send, not to be changed. */
export interface WireAttempt extends Attempt {
  readonly metadata: Readonly<Metadata>;
  /** Ends the attempt when the call ends. */
  readonly limit: Limit;
}

/** What is told how an attempt went: one of the two, once, unless the call has ended. */
export interface Outcome {
  succeed(value: unknown): void;
  fail(thrown: unknown): void;
}

/** Makes one attempt. What it throws, it has not told. */
export type Try = (attempt: WireAttempt, outcome: Outcome) => void;

/** For what gives a promise. A wrapper in JavaScript may well give a plain value. */
export function tell(promise: Promise<unknown>, outcome: Outcome): void {
  Promise.resolve(promise).then(
    (value) => outcome.succeed(value),
    (thrown) => outcome.fail(thrown),
  );
}

/** Puts the client's call wrappers around `send`. Done once, not per call. */
export function wrapAttempts(send: Try, settings: ClientSettings, metadata: MetadataSource): Try {
  if (settings.wrapCall.length === 0) return send;
  // The first of the list is the outermost.
  const chain = settings.wrapCall.reduceRight<CallFunction>((next, wrap) => wrap(next), afterWrappers);
  return (attempt, outcome) => tell(chain(attempt), outcome);

  async function afterWrappers(attempt: Attempt): Promise<unknown> {
    // They may have written any key in any case, and may hold on to their map.
    const safe = { ...attempt, limit: limitOf(attempt), metadata: metadata(attempt.metadata, undefined) };
    return new Promise((succeed, fail) => send(safe, { succeed, fail }));
  }
}

export class NewAttempt implements WireAttempt {
  readonly node: Node;
  readonly request: CallRequest;
  readonly metadata: Readonly<Metadata>;
  readonly number: number;
  readonly remainingMs: number;
  /** Not for wrappers; an own property, so that it stays when one passes a changed copy on. */
  readonly limit: Limit;

  constructor(
    node: Node,
    request: CallRequest,
    metadata: Readonly<Metadata>,
    number: number,
    remainingMs: number,
    limit: Limit,
  ) {
    this.node = node;
    this.request = request;
    this.metadata = metadata;
    this.number = number;
    this.remainingMs = remainingMs;
    this.limit = limit;
  }
}

function limitOf(attempt: Attempt): Limit {
  if ("limit" in attempt) return (attempt as NewAttempt).limit;
  throw new TypeError(
    "a call wrapper must pass on the attempt that it was given, or a copy: next({ ...attempt, … })",
  );
}
