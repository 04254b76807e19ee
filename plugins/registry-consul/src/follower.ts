import { setTimeout as pause } from "node:timers/promises";
import { type Logger, retryWaitMs } from "ts-micro";
import type { Agents } from "./agents.ts";
import { asMicroError } from "./consul-error.ts";
import type { Answer } from "./request.ts";

export interface FollowerOptions {
  readonly agents: Agents;
  /** What is asked, with its query. */
  readonly path: string;
  readonly holdMs: number;
  readonly logger: Logger;
  /** @param isGap true when Consul was away before this answer, or has lost its data */
  onAnswer(body: unknown, isGap: boolean): void;
}

/** Longest wait before Consul is asked again, in milliseconds. */
const longestRetryMs = 2_000;

/**
 * Hands over the answer to one question, and each new one, for as long as it is open, whatever happens to Consul.
 *
 * These are Consul's blocking queries: the index of the last answer is sent along, and the next answer is held back
 * until there is a newer one. An index that went back means that another history began, and an index of 0 would
 * not be held back at all (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #closed = new AbortController();
  #index = 0;
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Resolves after the first answer. @throws as `Agents.get` */
  async start(): Promise<void> {
    await this.#ask(0);
    void this.follow();
  }

  /** Resolves when it is closed. Failures are logged, and repeated. */
  async follow(): Promise<void> {
    const { logger, path } = this.#options;
    while (!this.isClosed) {
      try {
        const failuresBefore = this.#failures;
        // Held back, an answer from a new history could be as late as the hold is long.
        await this.#ask(failuresBefore === 0 ? this.#index : 0);
        if (failuresBefore > 0) logger.info(`consul: ${path} is followed again`);
        this.#failures = 0;
      } catch (error) {
        if (this.isClosed) return;
        const text = `consul: following ${path} failed, the last known nodes are used: ${asMicroError(error).detail}`;
        logger.log(this.#failures === 0 ? "warn" : "debug", text);
        this.#failures++;
        await this.#wait(retryWaitMs(this.#failures, longestRetryMs));
      }
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #ask(index: number): Promise<void> {
    const { agents, path, holdMs, onAnswer } = this.#options;
    const answer: Answer = await agents.getHeld({ path, index, holdMs }, this.#closed.signal);
    if (this.isClosed) return;
    const isNewHistory = answer.index < this.#index;
    this.#index = isNewHistory ? 0 : Math.max(1, answer.index);
    onAnswer(answer.body, isNewHistory || this.#failures > 0);
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
  }
}
