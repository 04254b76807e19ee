import { MicroError, serviceUnavailable } from "../errors.ts";

/** The `id` of errors that brokers make, as in go-micro. */
export const brokerErrorId = "go.micro.broker";

/** 503 for publishing or subscribing while disconnected. */
export function notConnected(broker: string): MicroError {
  return serviceUnavailable(brokerErrorId, `broker ${broker} is not connected; call connect() first`, {
    reason: "not-connected",
  });
}

/** 499 for what the caller's own signal ended. */
export function cancelled(what: string, signal: AbortSignal): MicroError {
  return new MicroError({
    id: brokerErrorId,
    code: 499,
    detail: `${what} was cancelled`,
    reason: "cancelled",
    cause: signal.reason,
  });
}

/** The work's result, or 499 as soon as the signal aborts. The work itself has to look at the signal too. */
export async function untilAborted<T>(work: Promise<T>, what: string, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  // Whoever loses the race must not become an unhandled rejection.
  work.catch(() => {});
  if (signal.aborted) throw cancelled(what, signal);
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled(what, signal));
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
