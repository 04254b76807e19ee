import type { IncomingMessage } from "node:http";
import { MicroError } from "ts-micro";
import { HttpAgent } from "ts-micro/transport";
import { KubernetesError, unreachable } from "./kubernetes-error.ts";
import type { Settings } from "./options.ts";
import { linesOf, open, type Question, textOf } from "./request.ts";

export interface Limit {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** An answer that goes on, one JSON text a line. It ends when the server ends it. */
export interface Stream extends AsyncIterable<string> {
  /** Idempotent. */
  close(): void;
}

/**
 * The API servers of one cluster. Stays with the one that answered last, and turns to the next one when it fails;
 * everything that is asked here may be asked twice.
 */
export class Api {
  readonly #agents: readonly HttpAgent[];
  readonly #token: Settings["token"];
  readonly #timeoutMs: number;
  #present = 0;

  /** @param timeoutMs limit of an operation that has none of its own */
  constructor({ servers, token }: Settings, timeoutMs: number) {
    this.#agents = servers.map(({ address, tls }) => new HttpAgent(address, { tls, timeoutMs }));
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws KubernetesError when it is refused; MicroError 503 when no server can be reached, 499 by the signal */
  async get(path: string, limit: Limit = {}): Promise<unknown> {
    return this.#ask({ method: "GET", path }, limit);
  }

  /** A strategic merge patch. @throws as `get` */
  async patch(path: string, body: object): Promise<void> {
    await this.#ask({ method: "PATCH", path, body }, {});
  }

  /**
   * @param longestMs a stream that takes longer is dead: it breaks
   * @throws as `get`
   */
  async stream(path: string, longestMs: number, signal: AbortSignal): Promise<Stream> {
    const { agent, response, exchange } = await this.#any({ signal }, async (agent, exchange) => {
      const response = await this.#open(agent, { method: "GET", path }, exchange);
      return { agent, response, exchange };
    });
    exchange.limit(longestMs);
    // Whoever only watches may end.
    response.socket.unref();
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield* linesOf(response, agent, exchange.signal);
        } finally {
          exchange.end();
        }
      },
      close: () => void response.destroy(),
    };
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  async #ask(question: Question, limit: Limit): Promise<unknown> {
    return this.#any(limit, async (agent, exchange) => {
      const text = await textOf(await this.#open(agent, question, exchange), agent, exchange.signal);
      exchange.end();
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw unreachable(agent.address, cause);
      }
    });
  }

  #open(agent: HttpAgent, question: Question, { signal }: Exchange): Promise<IncomingMessage> {
    return open(agent, question, { token: this.#token(), signal });
  }

  /** Each server gets its share of the time; a single one is tried twice, as a kept connection may be dead. */
  async #any<T>(
    { timeoutMs = this.#timeoutMs, signal }: Limit,
    attempt: (agent: HttpAgent, exchange: Exchange) => Promise<T>,
  ): Promise<T> {
    const count = Math.max(2, this.#agents.length);
    for (let triesLeft = count; ; triesLeft--) {
      const present = this.#present;
      const agent = this.#agents[present % this.#agents.length] as HttpAgent;
      const exchange = new Exchange(agent.address, signal);
      exchange.limit(Math.max(1, Math.ceil(timeoutMs / count)));
      try {
        return await attempt(agent, exchange);
      } catch (error) {
        exchange.end();
        const isPassing =
          error instanceof KubernetesError ? error.isPassing : MicroError.from(error).code === 503;
        if (!isPassing) throw error;
        if (this.#present === present) this.#present++;
        if (triesLeft <= 1) throw error;
      }
    }
  }
}

/** One request with its answer: ends by a limit, or with the signal of who asked. */
class Exchange {
  readonly #controller = new AbortController();
  readonly #address: string;
  readonly #given: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(address: string, given: AbortSignal | undefined) {
    this.#address = address;
    this.#given = given;
    if (given?.aborted) this.#cancel();
    given?.addEventListener("abort", this.#cancel, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on it may take so long. */
  limit(ms: number): void {
    clearTimeout(this.#timer);
    const late = () => this.#controller.abort(unreachable(this.#address, `no answer within ${ms} ms`));
    this.#timer = setTimeout(late, ms).unref();
  }

  /** Lets go of timer and signal. Idempotent. */
  end(): void {
    clearTimeout(this.#timer);
    this.#given?.removeEventListener("abort", this.#cancel);
  }

  readonly #cancel = (): void => {
    const detail = "the request to kubernetes was cancelled";
    const cause = this.#given?.reason;
    this.#controller.abort(
      new MicroError({ id: "go.micro.registry", code: 499, detail, reason: "cancelled", cause }),
    );
  };
}
