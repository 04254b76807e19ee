import type { MessageType } from "../codec/codec.ts";
import { internalServerError, MicroError } from "../errors.ts";
import { decodeBody } from "../mux/body.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import type { Interruptible, Limit } from "./limit.ts";
import type { Exchange, MuxConnection } from "./mux-connection.ts";
import type { Head } from "./mux-heads.ts";

/** A request that waits for its answer. */
export class MuxCall implements Exchange, Interruptible {
  readonly id: number;
  readonly #connection: MuxConnection;
  readonly #limit: Limit;
  readonly #head: Head;
  readonly #type: MessageType | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  /** What was heard last when the request left, on the clock of `performance.now()`. */
  readonly #heardBefore: number;

  constructor(
    connection: MuxConnection,
    limit: Limit,
    head: Head,
    type: MessageType | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#connection = connection;
    this.#limit = limit;
    this.#head = head;
    this.#type = type;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#heardBefore = connection.heardAt;
    this.id = connection.add(this);
  }

  frame(letter: number, line: Line, heardAt: number): void {
    if (letter !== letters.answer && letter !== letters.error) return;
    const limit = this.#limit;
    this.#connection.remove(this.id);
    limit.done(this);
    // The server gave up for the same deadline: that must not look like an answer of the handler's own.
    if (limit.deadline <= heardAt) this.#reject(limit.expire());
    else if (letter === letters.error) this.#reject(errorIn(line));
    else {
      try {
        this.#resolve(decodeBody(this.#head.codec, line, "response", this.#type));
      } catch (thrown) {
        this.#reject(unreadable(this.#connection.address, thrown));
      }
    }
  }

  closed(error: MicroError): void {
    this.#limit.done(this);
    this.#reject(error);
  }

  interrupt(error: MicroError): void {
    this.#connection.write(`x${this.id}\n`);
    this.#connection.remove(this.id);
    if (error.reason === "timeout") this.#connection.suspect(this.#heardBefore);
    this.#reject(error);
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
