/** What a handler gave, for servers of any protocol. */
import { internalServerError } from "../errors.ts";

/** @throws MicroError 500 for a handler of a stream that gave nothing to iterate over */
export function iterable(endpoint: string, answers: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof answers === "object" && answers !== null) {
    if (Symbol.asyncIterator in answers) return answers as AsyncIterable<unknown>;
    if (Symbol.iterator in answers) return answers as Iterable<unknown>;
  }
  throw internalServerError(
    "go.micro.server",
    `the handler of the stream ${endpoint} returned nothing to iterate over; write it as async function*`,
  );
}

/**
 * Answers of a stream after which its server waits for the next turn of the event loop. A handler that waits for nothing,
 * with a caller who reads quickly, would keep the process to itself: nobody else would be served, and the end of the
 * connection not be noticed.
 */
export const answersInARow = 64;

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
