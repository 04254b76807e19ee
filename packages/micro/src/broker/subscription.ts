import type { Logger } from "../logger.ts";
import type { SubscribeOptions, Subscription } from "./broker.ts";

/**
 * What `subscribe` gives: ends once, by `unsubscribe`, by `await using`, or by the caller's signal.
 *
 * @param end what the broker does to end it
 */
export function newSubscription(
  topic: string,
  options: SubscribeOptions,
  end: () => Promise<void>,
  logger: Logger,
): Subscription {
  const { signal } = options;
  let ended: Promise<void> | undefined;

  function unsubscribe(): Promise<void> {
    signal?.removeEventListener("abort", onAbort);
    ended ??= end();
    return ended;
  }

  function onAbort(): void {
    unsubscribe().catch((thrown: unknown) =>
      logger.warn(`unsubscribing from "${topic}" failed: ${String(thrown)}`),
    );
  }

  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    topic,
    options: Object.freeze({ ...options }),
    unsubscribe,
    [Symbol.asyncDispose]: unsubscribe,
  };
}
