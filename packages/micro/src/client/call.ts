import { performance } from "node:perf_hooks";
import { type MicroError, serviceUnavailable } from "../errors.ts";
import { filterProtocol } from "../selector/filters.ts";
import type { Filter, Next, Selector } from "../selector/selector.ts";
import { kindOf } from "../shape.ts";
import type { Try } from "./attempt.ts";
import type { CallRequest } from "./client.ts";
import type { SharedMetadata } from "./inherit.ts";
import { Limit } from "./limit.ts";
import { Limits } from "./limits.ts";
import { RetryBudget } from "./retry.ts";
import { RunningCall } from "./running-call.ts";
import { type ClientSettings, positive } from "./settings.ts";

/** What the calls of one client share: their limits, how their nodes are selected, what retries may cost. */
export class CallPath {
  readonly settings: ClientSettings;
  /** Makes the metadata of an attempt. */
  readonly metadata: SharedMetadata;
  readonly budget = new RetryBudget();
  readonly #selector: () => Selector;
  readonly #filters: readonly Filter[];
  readonly #protocols: readonly string[];
  readonly #limits = new Limits();
  /** Where the next call with `addresses` begins. */
  #turn = 0;
  #closed = false;

  /**
   * @param selector asked for each call
   * @param protocols what the attempts speak, as nodes name it in their metadata; other nodes are not chosen
   */
  constructor(
    settings: ClientSettings,
    metadata: SharedMetadata,
    selector: () => Selector,
    protocols: readonly string[],
  ) {
    this.settings = settings;
    this.metadata = metadata;
    this.#selector = selector;
    this.#filters = Object.freeze([filterProtocol(protocols)]);
    this.#protocols = protocols;
  }

  /** Calls and streams that have not ended. */
  get inFlight(): number {
    return this.#limits.size;
  }

  /**
   * Tries until an attempt succeeds, may not be repeated, or the time is up. Whatever an attempt is doing
   * then, the promise rejects at once.
   * @throws MicroError
   */
  run(request: CallRequest, timeoutMs: number, attempt: Try): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const limit = this.limit(request, positive("timeoutMs", timeoutMs), reject);
      // The clock was read just now.
      const remainingMs = request.context === undefined ? timeoutMs : limit.remainingMs();
      new RunningCall(this, request, limit, attempt, resolve, reject).start(remainingMs);
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
        `a call needs a service and an endpoint, as { service: "greeter", endpoint: "Greeter.Hello", body }, ` +
          `got ${String(service)} and ${String(endpoint)}`,
      );
    }
    const now = performance.now();
    const deadline = Math.min(now + timeoutMs, context?.deadline ?? Infinity);
    const limit = new Limit(deadline, request, ended);
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

  /** Addresses of the caller's own bypass the selector, which then learns nothing either. */
  selectorFor(request: CallRequest): Selector | undefined {
    return isGiven(request.addresses) ? undefined : this.#selector();
  }

  /** @throws MicroError as the selector does */
  look(selector: Selector | undefined, request: CallRequest, remainingMs: number): Next | PromiseLike<Next> {
    const { service, filters, strategy, signal } = request;
    if (selector === undefined) return this.#inTurn(request.addresses ?? []);
    return selector.select(service, {
      filters: filters === undefined ? this.#filters : [...this.#filters, ...filters],
      timeoutMs: remainingMs === Infinity ? undefined : remainingMs,
      strategy,
      signal,
    });
  }

  /** Calls begin at one address after the other, and so do the attempts of each. */
  #inTurn(addresses: readonly string[]): Next {
    let turn = this.#turn++;
    return () => {
      const address = addresses[turn++ % addresses.length] as string;
      return { id: address, address, metadata: { protocol: this.#protocols[0] ?? "" } };
    };
  }
}

function isGiven(addresses: readonly string[] | undefined): boolean {
  if (addresses === undefined) return false;
  if (Array.isArray(addresses)) return addresses.length > 0;
  throw new TypeError(`addresses must be a list, such as ["127.0.0.1:8080"], got ${kindOf(addresses)}`);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function clientClosed(): MicroError {
  return serviceUnavailable("go.micro.client", "the client is closed", { reason: "closed" });
}
