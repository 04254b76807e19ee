import type { Metadata } from "../metadata.ts";
import type { Node } from "../registry/registry.ts";
import type { Try } from "./call.ts";
import type { Attempt, CallFunction, CallRequest } from "./client.ts";
import type { Limit } from "./limit.ts";
import type { Mucp } from "./mucp.ts";
import { formatFor, readAnswer, writeHeader } from "./wire.ts";

/** Gives the function that makes one attempt of `request`, inside the client's call wrappers. */
export function unaryCalls(mucp: Mucp): (request: CallRequest) => Try<unknown> {
  const { settings, metadata } = mucp;
  const wrapped = settings.wrapCall.length > 0;
  // The first of the list is the outermost.
  const chain = settings.wrapCall.reduceRight<CallFunction>(
    (next, wrap) => wrap(next),
    (attempt) => exchange(mucp, attempt, wrapped),
  );
  return (request) => (node, number, limit) =>
    chain(
      new UnaryAttempt(node, request, metadata(request.metadata, request.context?.metadata), number, limit),
    );
}

class UnaryAttempt implements Attempt {
  readonly node: Node;
  readonly request: CallRequest;
  readonly metadata: Metadata;
  readonly number: number;
  readonly remainingMs: number;
  /** Ours alone; an own property, so that it stays when a wrapper passes a changed copy on. */
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

async function exchange(mucp: Mucp, attempt: Attempt, wrapped: boolean): Promise<unknown> {
  const { settings, pool } = mucp;
  const { node, request } = attempt;
  const limit = limitOf(attempt);
  const format = formatFor(request.contentType ?? settings.contentType, node, settings.codecs);
  const id = mucp.nextId();
  const frame = { kind: "request", id, endpoint: request.endpoint, error: "" } as const;
  const body = format.codec.encode(request.body, frame, request.requestType);
  const transport = mucp.transport();
  const connection =
    pool.take(transport, node.address) ?? (await pool.dial(transport, request.service, node.address, limit));
  // Wrappers may have written any key in any case, and may hold on to their map.
  const header = wrapped ? mucp.metadata(attempt.metadata, undefined) : attempt.metadata;
  writeHeader(header, request, format, id, limit.remainingMs());
  limit.doing = "waiting for the answer of";
  limit.address = node.address;
  try {
    const answer = await connection.exchange({ header, body }, limit);
    return readAnswer(answer, request, format, node.address);
  } finally {
    pool.release(connection);
  }
}

function limitOf(attempt: Attempt): Limit {
  if ("limit" in attempt) return (attempt as UnaryAttempt).limit;
  throw new TypeError(
    "a call wrapper must pass on the attempt that it was given, or a copy: next({ ...attempt, … })",
  );
}
