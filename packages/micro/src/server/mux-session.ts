import type { CallContext } from "../context.ts";
import { MicroError } from "../errors.ts";
import { Inbox } from "../inbox.ts";
import { arrivedWeight, decodeBody, weightOf, windowWeight } from "../mux/body.ts";
import { letters } from "../mux/letters.ts";
import type { Line } from "../mux/line.ts";
import { BadFrame } from "../mux/line.ts";
import type { MuxConnection } from "./mux-connection.ts";
import type { MuxHead } from "./mux-heads.ts";
import { answersInARow, iterable, nextTurn } from "./results.ts";
import type { Router } from "./router.ts";

/** A request that has arrived: its value, or why it can't be read. */
type Arrived = { readonly weight: number } & ({ readonly value: unknown } | { readonly thrown: unknown });

/** One stream: the caller's items become the handler's requests, what the handler yields the answers. */
export class MuxSession {
  readonly #connection: MuxConnection;
  readonly #router: Router;
  readonly #id: number;
  readonly #head: MuxHead;
  readonly #context: CallContext;
  readonly #inbox: Inbox<Arrived, unknown>;
  /** Weight of what has arrived and was not read. */
  #held = 0;
  /** Weight of what was read and not yet asked for anew. */
  #consumed = 0;
  /** Weight of what may still be sent. */
  #credit = windowWeight;
  #refilled: (() => void) | undefined;
  #gone = false;

  constructor(connection: MuxConnection, router: Router, id: number, head: MuxHead, context: CallContext) {
    this.#connection = connection;
    this.#router = router;
    this.#id = id;
    this.#head = head;
    this.#context = context;
    this.#inbox = new Inbox(
      (arrived) => this.#read(arrived),
      () => {},
    );
  }

  frame(letter: number, line: Line): void {
    if (letter === letters.item) this.#inbox.push(this.#arrived(line));
    else if (letter === letters.end) this.#inbox.end();
    else {
      this.#credit += line.number();
      if (this.#credit > 0) this.#refill();
    }
  }

  /** Nobody is there any more: aborts the handler's signal, and nothing further is sent. */
  abort(reason: MicroError): void {
    this.#gone = true;
    this.#inbox.fail(reason);
    this.#context.cancel(reason);
    this.#refill();
  }

  /** Runs the handler to its end. Never rejects. */
  async run(): Promise<void> {
    const { service, endpoint, contentType, route } = this.#head;
    let failure: MicroError | undefined;
    let sent = 0;
    try {
      const request = { service, endpoint, contentType, streaming: true, body: this.#inbox };
      for await (const value of iterable(endpoint, await route.invoke(request, this.#context))) {
        // Leaving the loop runs the handler's `finally` blocks.
        if (this.#gone) break;
        await this.#send(value);
        if (++sent % answersInARow === 0) await nextTurn();
        if (this.#gone) break;
      }
    } catch (thrown) {
      // A handler that gives up because the caller left has not failed.
      failure = this.#gone ? MicroError.from(thrown) : this.#router.failure(thrown, endpoint);
    }
    void this.#inbox.return();
    this.#context.finish();
    if (!this.#gone) {
      if (failure === undefined) this.#connection.write(`z${this.#id}\n`);
      else this.#connection.sendError(this.#id, failure);
    }
    this.#connection.sessionEnded(this.#id);
  }

  async #send(value: unknown): Promise<void> {
    const body = this.#connection.encoded(this.#head, value, "an item");
    this.#credit -= weightOf(body);
    this.#connection.send(`i${this.#id} `, body);
    if (this.#credit <= 0) {
      await new Promise<void>((resolve) => {
        this.#refilled = resolve;
      });
    }
    await this.#connection.whenDrained();
  }

  #refill(): void {
    this.#refilled?.();
    this.#refilled = undefined;
  }

  #arrived(line: Line): Arrived {
    const weight = arrivedWeight(line);
    this.#held += weight;
    // A caller may begin an item with the last of its credit, so one more than the window can be on its way.
    if (this.#held - weight > windowWeight)
      throw new BadFrame(`stream ${this.#id} sent more than its window`);
    try {
      return {
        value: decodeBody(this.#head.codec, line, "request", this.#head.route.requestType) ?? {},
        weight,
      };
    } catch (thrown) {
      return { thrown, weight };
    }
  }

  /** What the handler gets of it. */
  #read(arrived: Arrived): unknown {
    this.#held -= arrived.weight;
    this.#consumed += arrived.weight;
    if (this.#consumed >= windowWeight / 2 && !this.#gone) {
      this.#connection.write(`w${this.#id} ${this.#consumed}\n`);
      this.#consumed = 0;
    }
    if ("thrown" in arrived) throw arrived.thrown;
    return arrived.value;
  }
}
