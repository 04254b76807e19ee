import { internalServerError, MicroError } from "../errors.ts";
import { decodeBody } from "../mux/body.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import type { Outcome, WireAttempt } from "./attempt.ts";
import type { Interruptible } from "./limit.ts";
import type { Exchange, MuxConnection } from "./mux-connection.ts";
import type { Head } from "./mux-heads.ts";

/** A request that waits for its answer. */
export class MuxCall implements Exchange, Interruptible {
  readonly id: number;
  readonly #connection: MuxConnection;
  readonly #attempt: WireAttempt;
  readonly #head: Head;
  readonly #outcome: Outcome;
  /** What was heard last when the request left, on the clock of `performance.now()`. */
  readonly #heardBefore: number;

  constructor(connection: MuxConnection, attempt: WireAttempt, head: Head, outcome: Outcome) {
    this.#connection = connection;
    this.#attempt = attempt;
    this.#head = head;
    this.#outcome = outcome;
    this.#heardBefore = connection.heardAt;
    this.id = connection.add(this);
  }

  frame(letter: number, line: Line, heardAt: number): void {
    if (letter !== letters.answer && letter !== letters.error) return;
    const { limit } = this.#attempt;
    this.#connection.remove(this.id);
    limit.done(this);
    // The server gave up for the same deadline: that must not look like an answer of the handler's own.
    if (limit.deadline <= heardAt) this.#outcome.fail(limit.expire());
    else if (letter === letters.error) this.#outcome.fail(errorIn(line));
    else this.#answer(line);
  }

  closed(error: MicroError): void {
    this.#attempt.limit.done(this);
    this.#outcome.fail(error);
  }

  interrupt(error: MicroError): void {
    this.#connection.write(`x${this.id}\n`);
    this.#connection.remove(this.id);
    if (error.reason === "timeout") this.#connection.suspect(this.#heardBefore);
    this.#outcome.fail(error);
  }

  #answer(line: Line): void {
    let value: unknown;
    try {
      value = decodeBody(this.#head.codec, line, "response", this.#attempt.request.responseType);
    } catch (thrown) {
      this.#outcome.fail(unreadable(this.#connection.address, thrown));
      return;
    }
    this.#outcome.succeed(value);
  }
}

/** What an `e` frame says. */
export function errorIn(line: Line): MicroError {
  return MicroError.parse(line.bytes?.toString() ?? line.rest());
}

export function unreadable(address: string, thrown: unknown): MicroError {
  const detail = `can't read the answer of ${address}: ${MicroError.from(thrown).detail}`;
  return internalServerError("go.micro.client.codec", detail, { reason: "decode-failed", cause: thrown });
}
