import { MicroError } from "../errors.ts";
import type { Node } from "../registry/registry.ts";
import type { Next, Selector } from "../selector/selector.ts";
import { NewAttempt, type Outcome, type Try } from "./attempt.ts";
import type { CallPath } from "./call.ts";
import type { CallRequest } from "./client.ts";
import type { Limit } from "./limit.ts";
import { count } from "./settings.ts";

/**
 * The way of one call from its start to its outcome: selection, attempts, retries. What an attempt does is the
 * wire protocol's matter.
 *
 * No async function from end to end: almost every call finds its node without waiting and its first attempt succeeds.
 * For those the caller's promise is the only one.
 */
export class RunningCall implements Outcome {
  readonly #path: CallPath;
  readonly #request: CallRequest;
  readonly #limit: Limit;
  readonly #attempt: Try;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #selector: Selector | undefined;
  /** Of the attempt that is under way. */
  #next: Next | undefined;
  #node: Node | undefined;
  #number = 0;
  /** Repetitions of requests that may have reached a handler. */
  #repeated = 0;
  /** Ids of nodes whose attempt failed. */
  #tried: string[] | undefined;

  constructor(
    path: CallPath,
    request: CallRequest,
    limit: Limit,
    attempt: Try,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#request = request;
    this.#limit = limit;
    this.#attempt = attempt;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** @param remainingMs until the limit ends it */
  start(remainingMs: number): void {
    const request = this.#request;
    const limit = this.#limit;
    try {
      count("retries", this.#retries);
      if (limit.error !== undefined) throw limit.error;
      this.#path.budget.earn();
      this.#selector = this.#path.selectorFor(request);
      const found = this.#path.look(this.#selector, request, remainingMs);
      if (typeof found === "function") this.#begin(found, remainingMs);
      else {
        limit.race(found).then(
          (next) => this.#begin(next, limit.remainingMs()),
          (thrown) => this.#end(thrown),
        );
      }
    } catch (thrown) {
      this.#end(thrown);
    }
  }

  succeed(value: unknown): void {
    try {
      this.#selector?.mark(this.#request.service, this.#node as Node);
    } catch (thrown) {
      this.#end(thrown);
      return;
    }
    this.#path.done(this.#limit);
    this.#resolve(value);
  }

  fail(thrown: unknown): void {
    const limit = this.#limit;
    const error = limit.error ?? MicroError.from(thrown);
    try {
      this.#selector?.mark(this.#request.service, this.#node as Node, error);
    } catch (reason) {
      this.#end(reason);
      return;
    }
    if (limit.error !== undefined || this.#retries === 0) this.#end(error);
    else this.#repeat(error).catch((reason) => this.#end(reason));
  }

  get #retries(): number {
    return this.#request.retries ?? this.#path.settings.retries;
  }

  #begin(next: Next, remainingMs: number): void {
    try {
      this.#next = next;
      this.#try(next(), remainingMs);
    } catch (thrown) {
      this.#end(thrown);
    }
  }

  #try(node: Node, remainingMs: number): void {
    this.#node = node;
    const request = this.#request;
    try {
      const metadata = this.#path.metadata(request.metadata, request.context?.metadata);
      const attempt = new NewAttempt(node, request, metadata, this.#number, remainingMs, this.#limit);
      this.#attempt(attempt, this);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  #end(thrown: unknown): void {
    this.#path.done(this.#limit);
    this.#reject(thrown);
  }

  /** @throws what the call ends with, when the attempt that failed was its last */
  async #repeat(error: MicroError): Promise<void> {
    const limit = this.#limit;
    const neverLeft = error.reason === "connection-failed" || error.reason === "draining";
    if (!neverLeft && ++this.#repeated > this.#retries) throw error;
    if (!(await this.#mayRepeat(error, neverLeft))) throw error;
    const { backoff = this.#path.settings.backoff } = this.#request;
    const waitMs = backoff(this.#number + 1);
    if (waitMs >= limit.remainingMs()) throw error;
    await limit.sleep(waitMs);
    this.#tried ??= [];
    this.#tried.push((this.#node as Node).id);
    if (this.#selector !== undefined) this.#next = await this.#lookAgain(this.#selector, error);
    const node = untried(this.#next as Next, this.#tried);
    // Beyond `retries` a request that never left goes only where it has not been.
    if (neverLeft && this.#number >= this.#retries && this.#tried.includes(node.id)) throw error;
    this.#number++;
    this.#try(node, limit.remainingMs());
  }

  /** Before a retry: nodes may have come since the call began, while those it knows were going. */
  async #lookAgain(selector: Selector, failed: MicroError): Promise<Next> {
    const limit = this.#limit;
    try {
      return await limit.race(Promise.resolve(this.#path.look(selector, this.#request, limit.remainingMs())));
    } catch {
      // That nobody is left explains less than why the last one failed.
      throw limit.error ?? failed;
    }
  }

  async #mayRepeat(error: MicroError, neverLeft: boolean): Promise<boolean> {
    const request = this.#request;
    const retry = request.retry ?? this.#path.settings.retry;
    if (!(await retry({ request, number: this.#number, error, neverLeft }))) return false;
    return neverLeft || this.#path.budget.spend(this.#path.inFlight);
  }
}

/** A node that was not tried before, if there is one: `next` repeats itself only after all others. */
function untried(next: Next, tried: readonly string[]): Node {
  let node = next();
  for (let draws = 0; draws < tried.length && tried.includes(node.id); draws++) node = next();
  return node;
}
