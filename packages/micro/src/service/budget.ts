import { serviceUnavailable } from "../errors.ts";

const leftAlone = new WeakSet<object>();

/**
 * The time in which a service stops, for all steps together, beginning with the first. What has not ended by then is left
 * alone: a disk or a server that doesn't answer must not hold the exit.
 */
export class Budget {
  readonly #budgetMs: number;
  #endsAt: number | undefined;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  /** @throws MicroError 503 naming `what` when its time is over; else what `step` throws */
  async within<T>(what: string, step: () => PromiseLike<T>): Promise<T> {
    this.#endsAt ??= performance.now() + this.#budgetMs;
    // Whoever used all of it up leaves the others a tenth each.
    const leftMs = Math.max(this.#endsAt - performance.now(), this.#budgetMs / 10);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const detail = `${what} did not end in time and is left alone`;
        const error = serviceUnavailable("go.micro.service", detail, { reason: "timeout" });
        leftAlone.add(error);
        reject(error);
      }, leftMs);
    });
    try {
      return await Promise.race([step(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether something may go on that nobody waits for: what a `Budget` threw, alone or among others. */
export function isLeftAlone(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isLeftAlone);
  return typeof error === "object" && error !== null && leftAlone.has(error);
}
