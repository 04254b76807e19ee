import type { MicroError } from "../errors.ts";
import { newMetadata } from "../metadata.ts";
import { newMessage } from "../transport/message.ts";
import type { Message } from "../transport/transport.ts";
import type { Outcome, WireAttempt } from "./attempt.ts";
import type { Connection, Receiver } from "./connection.ts";
import type { Interruptible } from "./limit.ts";
import type { Pool } from "./pool.ts";
import { type Format, readAnswer, writeHeader } from "./wire.ts";

/** A request and the answer to it: go-micro's servers can't have two on one connection. */
export class MucpCall implements Receiver, Interruptible {
  readonly #pool: Pool;
  readonly #connection: Connection;
  readonly #attempt: WireAttempt;
  readonly #format: Format;
  readonly #outcome: Outcome;

  /** @param connection the call's own until it ends */
  constructor(pool: Pool, connection: Connection, attempt: WireAttempt, format: Format, outcome: Outcome) {
    this.#pool = pool;
    this.#connection = connection;
    this.#attempt = attempt;
    this.#format = format;
    this.#outcome = outcome;
  }

  /** @throws what the transport refuses, such as a header's name; the connection is as good as before. */
  send(id: string, body: string | Uint8Array): void {
    const { node, request, metadata, limit } = this.#attempt;
    const header = Object.assign(newMetadata(), metadata);
    writeHeader(header, request, this.#format, id, limit.remainingMs());
    limit.doing = "waiting for the answer of";
    limit.address = node.address;
    limit.begin(this);
    if (limit.error !== undefined) return;
    this.#connection.receive(this);
    try {
      this.#connection.send(newMessage(header, body));
    } catch (thrown) {
      this.#end();
      throw thrown;
    }
  }

  message(answer: Message): void {
    this.#end();
    const { node, request, limit } = this.#attempt;
    // The server gave up for the same deadline: that must not look like an answer of the handler's own.
    if (limit.isOver()) {
      this.#outcome.fail(limit.expire());
      return;
    }
    let value: unknown;
    try {
      value = readAnswer(answer, request, this.#format, node.address);
    } catch (thrown) {
      this.#outcome.fail(thrown);
      return;
    }
    this.#outcome.succeed(value);
  }

  closed(error: MicroError): void {
    this.#attempt.limit.done(this);
    this.#outcome.fail(error);
  }

  /** The end of the call breaks the connection: that tells the server. */
  interrupt(error: MicroError): void {
    this.#connection.destroy();
    this.#outcome.fail(error);
  }

  #end(): void {
    this.#attempt.limit.done(this);
    this.#connection.receive(undefined);
    this.#pool.release(this.#connection);
  }
}
