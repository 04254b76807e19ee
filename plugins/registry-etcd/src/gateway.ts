import { MicroError } from "ts-micro";
import { HttpAgent } from "ts-micro/transport";
import { type PostOptions, post, refusal, textOf, unreachable } from "./endpoint.ts";
import { EtcdError } from "./etcd-error.ts";
import type { Settings } from "./options.ts";
import { openStream, type Stream } from "./stream.ts";

export interface Limit {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * etcd's JSON gateway on all members of a cluster. Stays with the member that answered last, and turns to the
 * next one when it fails; everything that is asked here may be asked twice.
 */
export class Gateway {
  readonly #agents: readonly HttpAgent[];
  readonly #credentials: Settings["credentials"];
  readonly #timeoutMs: number;
  #present = 0;
  #token: Promise<string | undefined> | undefined;

  /** @param timeoutMs limit of a call that has none of its own */
  constructor({ endpoints, credentials }: Settings, timeoutMs: number) {
    this.#agents = endpoints.map(({ address, tls }) => new HttpAgent(address, { tls, timeoutMs }));
    this.#credentials = credentials;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks once and gives the parsed answer.
   * @throws EtcdError when etcd refuses; MicroError 503 when no member can be reached, 499 by the signal
   */
  call(method: string, body: object, limit: Limit = {}): Promise<unknown> {
    return this.#anyMember(limit, async (agent, options) => {
      const text = await textOf(await post(agent, method, body, options), agent, options.signal);
      const refused = refusal(text);
      if (refused !== undefined) throw refused;
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw unreachable(agent.address, cause);
      }
    });
  }

  /** Opens a stream; resolves with its first message read. @throws as `call` */
  stream(
    method: string,
    body: object,
    onMessage: (message: unknown) => void,
    limit: Limit = {},
  ): Promise<Stream> {
    return this.#anyMember(limit, (agent, options) => openStream(agent, method, body, options, onMessage));
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  /** Each member gets its share of the time; a single one is tried twice, as a kept connection may be dead. */
  async #anyMember<T>(
    { timeoutMs = this.#timeoutMs, signal: given }: Limit,
    ask: (agent: HttpAgent, options: PostOptions) => Promise<T>,
  ): Promise<T> {
    const stopAt = performance.now() + timeoutMs;
    for (let triesLeft = Math.max(2, this.#agents.length); ; triesLeft--) {
      const agent = this.#agents[this.#present % this.#agents.length] as HttpAgent;
      const limitMs = Math.max(1, Math.ceil((stopAt - performance.now()) / triesLeft));
      try {
        return await withLimit(limitMs, given, agent.address, (signal) =>
          this.#authorized(agent, signal, ask),
        );
      } catch (error) {
        const isPassing = error instanceof EtcdError ? error.isPassing : MicroError.from(error).code === 503;
        if (!isPassing) throw error;
        if (agent === this.#agents[this.#present % this.#agents.length]) this.#present++;
        if (triesLeft <= 1) throw error;
      }
    }
  }

  /** Asks with the token, and once more with a new one when etcd doesn't know it any more. */
  async #authorized<T>(
    agent: HttpAgent,
    signal: AbortSignal,
    ask: (agent: HttpAgent, options: PostOptions) => Promise<T>,
  ): Promise<T> {
    for (let isFirst = true; ; isFirst = false) {
      this.#token ??= this.#authenticate(agent, signal);
      const used = this.#token;
      try {
        return await ask(agent, { token: await used, signal });
      } catch (error) {
        const isStale = error instanceof EtcdError && error.isStaleToken;
        if ((isStale || (await isRejected(used))) && this.#token === used) this.#token = undefined;
        if (!isFirst || !isStale) throw error;
      }
    }
  }

  async #authenticate(agent: HttpAgent, signal: AbortSignal): Promise<string | undefined> {
    if (this.#credentials === undefined) return undefined;
    try {
      const response = await post(agent, "auth/authenticate", this.#credentials, {
        token: undefined,
        signal,
      });
      return (JSON.parse(await textOf(response, agent, signal)) as { token?: string }).token;
    } catch (error) {
      // As go-micro's client: credentials for a cluster that asks for none do no harm.
      if (error instanceof EtcdError && error.message.includes("authentication is not enabled"))
        return undefined;
      throw error;
    }
  }
}

async function isRejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

/** Runs `work` with a signal that aborts after `limitMs`, or with `given`. */
async function withLimit<T>(
  limitMs: number,
  given: AbortSignal | undefined,
  address: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(unreachable(address, `no answer within ${limitMs} ms`)),
    limitMs,
  );
  const abort = (): void => {
    const detail = "the request to etcd was cancelled";
    const cause = given?.reason;
    controller.abort(
      new MicroError({ id: "go.micro.registry", code: 499, detail, reason: "cancelled", cause }),
    );
  };
  if (given?.aborted) abort();
  given?.addEventListener("abort", abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    given?.removeEventListener("abort", abort);
  }
}
