import { MicroError, serviceUnavailable } from "../errors.ts";
import type { Node } from "../registry/registry.ts";
import { filterProtocol } from "../selector/filters.ts";
import type { Filter, Next, SelectOptions, Selector } from "../selector/selector.ts";
import { kindOf } from "../shape.ts";
import type { CallRequest } from "./client.ts";
import { Limit } from "./limit.ts";
import { Limits } from "./limits.ts";
import { RetryBudget } from "./retry.ts";
import { type ClientSettings, count, positive } from "./settings.ts";

/** One try on one node. Rejects at once when the limit ends. */
export type Try<T> = (node: Node, number: number, limit: Limit) => Promise<T>;

/**
 * The way of a call from its options to its outcome: deadline, selection, attempts, retries. What an attempt
 * does is the wire protocol's matter.
 */
export class CallPath {
  readonly #settings: ClientSettings;
  readonly #selector: () => Selector;
  readonly #filters: readonly Filter[];
  readonly #protocols: readonly string[];
  readonly #limits = new Limits();
  readonly #budget = new RetryBudget();
  /** Where the next call with `addresses` begins. */
  #turn = 0;
  #closed = false;

  /**
   * @param selector asked for each call
   * @param protocols what the attempts speak, as nodes name it in their metadata; other nodes are not chosen
   */
  constructor(settings: ClientSettings, selector: () => Selector, protocols: readonly string[]) {
    this.#settings = settings;
    this.#selector = selector;
    this.#filters = [filterProtocol(protocols)];
    this.#protocols = protocols;
  }

  /**
   * Tries until an attempt succeeds, may not be repeated, or the time is up. Whatever an attempt is doing
   * then, the promise rejects at once.
   * @throws MicroError
   */
  run<T>(request: CallRequest, timeoutMs: number, attempt: Try<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const limit = this.limit(request, positive("timeoutMs", timeoutMs), reject);
      this.#attempts(request, limit, attempt).then(resolve, reject);
    });
  }

  /**
   * A limit that follows the client's end, the caller's signal and the calling handler's context.
   * @throws MicroError 503 `closed`; TypeError when the request can't be meant so
   */
  limit(request: CallRequest, timeoutMs: number, ended: (error: MicroError) => void): Limit {
    const { service, endpoint, context, signal } = request;
    if (this.#closed) throw clientClosed();
    if (!isName(service) || !isName(endpoint)) {
      throw new TypeError(
        `a call needs a service and an endpoint, got ${String(service)} and ${String(endpoint)}`,
      );
    }
    const now = performance.now();
    const deadline = Math.min(now + timeoutMs, context?.deadline ?? Infinity);
    const limit = new Limit(deadline, `${service} ${endpoint}`, ended);
    this.#limits.add(limit);
    if (context !== undefined) limit.follow(context.signal);
    if (signal !== undefined) limit.follow(signal);
    if (deadline <= now) limit.expire();
    return limit;
  }

  done(limit: Limit): void {
    this.#limits.remove(limit);
  }

  /** Fails everything that is under way, and what comes later. */
  close(): void {
    this.#closed = true;
    this.#limits.endAll(clientClosed());
  }

  async #attempts<T>(request: CallRequest, limit: Limit, attempt: Try<T>): Promise<T> {
    try {
      const retries = count("retries", request.retries ?? this.#settings.retries);
      const backoff = request.backoff ?? this.#settings.backoff;
      if (limit.error !== undefined) throw limit.error;
      this.#budget.earn();
      // Addresses of the caller's own bypass the selector, which then learns nothing either.
      const selector = isGiven(request.addresses) ? undefined : this.#selector();
      const found = this.#look(selector, request, limit);
      let next = typeof found === "function" ? found : await limit.race(found);
      const tried: string[] = [];
      let node = next();
      /** Repetitions of requests that may have reached a handler. */
      let repeated = 0;
      for (let number = 0; ; number++) {
        try {
          const value = await attempt(node, number, limit);
          selector?.mark(request.service, node);
          return value;
        } catch (thrown) {
          const error = limit.error ?? MicroError.from(thrown);
          selector?.mark(request.service, node, error);
          const neverLeft = error.reason === "connection-failed" || error.reason === "draining";
          if (limit.error !== undefined || retries === 0) throw error;
          if (!neverLeft && ++repeated > retries) throw error;
          if (!(await this.#mayRepeat(request, number, error, neverLeft))) throw error;
          const waitMs = backoff(number + 1);
          if (waitMs >= limit.remainingMs()) throw error;
          await limit.sleep(waitMs);
          tried.push(node.id);
          if (selector !== undefined) next = await this.#lookAgain(selector, request, limit, error);
          node = untried(next, tried);
          // Beyond `retries` a request that never left goes only where it has not been.
          if (neverLeft && number >= retries && tried.includes(node.id)) throw error;
        }
      }
    } finally {
      this.done(limit);
    }
  }

  #look(selector: Selector | undefined, request: CallRequest, limit: Limit): Next | PromiseLike<Next> {
    const { service, addresses = [], filters, strategy, signal } = request;
    if (selector === undefined) return this.#inTurn(addresses);
    const remainingMs = limit.remainingMs();
    const options: SelectOptions = {
      filters: filters === undefined ? this.#filters : [...this.#filters, ...filters],
      ...(strategy !== undefined && { strategy }),
      ...(remainingMs !== Infinity && { timeoutMs: remainingMs }),
      ...(signal !== undefined && { signal }),
    };
    return selector.select(service, options);
  }

  /** Before a retry: nodes may have come since the call began, while those it knows were going. */
  async #lookAgain(
    selector: Selector,
    request: CallRequest,
    limit: Limit,
    failed: MicroError,
  ): Promise<Next> {
    try {
      return await limit.race(Promise.resolve(this.#look(selector, request, limit)));
    } catch {
      // That nobody is left explains less than why the last one failed.
      throw limit.error ?? failed;
    }
  }

  /** Calls begin at one address after the other, and so do the attempts of each. */
  #inTurn(addresses: readonly string[]): Next {
    let turn = this.#turn++;
    return () => {
      const address = addresses[turn++ % addresses.length] as string;
      return { id: address, address, metadata: { protocol: this.#protocols[0] ?? "" } };
    };
  }

  async #mayRepeat(
    request: CallRequest,
    number: number,
    error: MicroError,
    neverLeft: boolean,
  ): Promise<boolean> {
    const retry = request.retry ?? this.#settings.retry;
    if (!(await retry({ request, number, error, neverLeft }))) return false;
    return neverLeft || this.#budget.spend(this.#limits.size);
  }
}

function isGiven(addresses: readonly string[] | undefined): boolean {
  if (addresses === undefined) return false;
  if (Array.isArray(addresses)) return addresses.length > 0;
  throw new TypeError(`addresses must be a list, such as ["127.0.0.1:8080"], got ${kindOf(addresses)}`);
}

/** A node that was not tried before, if there is one: `next` repeats itself only after all others. */
function untried(next: Next, tried: readonly string[]): Node {
  let node = next();
  for (let draws = 0; draws < tried.length && tried.includes(node.id); draws++) node = next();
  return node;
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function clientClosed(): MicroError {
  return serviceUnavailable("go.micro.client", "the client is closed", { reason: "closed" });
}
