import { MicroError } from "ts-micro";
import { HttpAgent } from "ts-micro/transport";
import { ConsulError, unreachable } from "./consul-error.ts";
import type { Settings } from "./options.ts";
import { type Answer, ask, type Question } from "./request.ts";

export interface Limit {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A question that Consul answers when there is something newer than `index`, at the latest after `holdMs`. */
export interface HeldQuestion {
  readonly path: string;
  /** 0 for an answer at once. */
  readonly index: number;
  readonly holdMs: number;
}

/**
 * The agents of one cluster. Stays with the one that answered last, and turns to the next one when it fails;
 * everything that is asked here may be asked twice.
 */
export class Agents {
  readonly #agents: readonly HttpAgent[];
  readonly #token: Settings["token"];
  readonly #timeoutMs: number;
  #present = 0;

  /** @param timeoutMs limit of an operation that has none of its own */
  constructor({ agents, token }: Settings, timeoutMs: number) {
    this.#agents = agents.map(({ address, tls }) => new HttpAgent(address, { tls, timeoutMs }));
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** The agent that is asked first. */
  get present(): HttpAgent {
    return this.#agents[this.#present % this.#agents.length] as HttpAgent;
  }

  /** @throws ConsulError when Consul refuses; MicroError 503 when no agent can be reached, 499 by the signal */
  get(path: string, limit: Limit = {}): Promise<Answer> {
    return this.#any(
      (agent, limitMs) => this.#ask(agent, { method: "GET", path }, limitMs, limit.signal),
      limit,
    );
  }

  /** Doesn't keep the process alive while it is held. @throws as `get` */
  getHeld({ path, index, holdMs }: HeldQuestion, signal: AbortSignal): Promise<Answer> {
    const isHeld = index > 0;
    const held = `${path}&index=${index}&wait=${holdMs}ms`;
    // Consul adds up to a sixteenth, so that not everybody asks at the same moment.
    const extraMs = isHeld ? holdMs * (17 / 16) : 0;
    const question: Question = { method: "GET", path: isHeld ? held : path };
    return this.#any((agent, limitMs) => this.#ask(agent, question, limitMs + extraMs, signal, !isHeld), {});
  }

  /** Gives the agent that did it. @throws as `get` */
  put(path: string, body?: object): Promise<HttpAgent> {
    return this.#any(async (agent, limitMs) => {
      await this.#ask(agent, { method: "PUT", path, ...(body && { body }) }, limitMs);
      return agent;
    });
  }

  /** Asks this agent and no other. @throws as `get` */
  async putTo(agent: HttpAgent, path: string): Promise<void> {
    await this.#ask(agent, { method: "PUT", path }, this.#timeoutMs);
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  /** Each agent gets its share of the time; a single one is tried twice, as a kept connection may be dead. */
  async #any<T>(
    attempt: (agent: HttpAgent, limitMs: number) => Promise<T>,
    { timeoutMs = this.#timeoutMs }: Limit = {},
  ): Promise<T> {
    const count = Math.max(2, this.#agents.length);
    for (let triesLeft = count; ; triesLeft--) {
      const agent = this.present;
      try {
        return await attempt(agent, Math.max(1, Math.ceil(timeoutMs / count)));
      } catch (error) {
        const isPassing =
          error instanceof ConsulError ? error.isPassing : MicroError.from(error).code === 503;
        if (!isPassing) throw error;
        if (agent === this.present) this.#present++;
        if (triesLeft <= 1) throw error;
      }
    }
  }

  async #ask(
    agent: HttpAgent,
    question: Question,
    limitMs: number,
    given?: AbortSignal,
    keepsAlive = true,
  ): Promise<Answer> {
    const controller = new AbortController();
    const late = () => controller.abort(unreachable(agent.address, `no answer within ${limitMs} ms`));
    const timer = setTimeout(late, limitMs);
    if (!keepsAlive) timer.unref();
    const abort = (): void => controller.abort(cancelled(given?.reason));
    if (given?.aborted) abort();
    given?.addEventListener("abort", abort, { once: true });
    try {
      return await ask(agent, question, { token: this.#token(), signal: controller.signal, keepsAlive });
    } finally {
      clearTimeout(timer);
      given?.removeEventListener("abort", abort);
    }
  }
}

function cancelled(cause: unknown): MicroError {
  const detail = "the request to consul was cancelled";
  return new MicroError({ id: "go.micro.registry", code: 499, detail, reason: "cancelled", cause });
}
