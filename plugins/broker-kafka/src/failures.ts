import { setTimeout as pause } from "node:timers/promises";
import { forbidden, MicroError, serviceUnavailable, timeout } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** What a failed request means to the caller: 403, 404, 413 where the cluster says so, else 503, or 408 without answer. */
export function failureOf(thrown: unknown, what: string): MicroError {
  if (MicroError.is(thrown)) return thrown;
  const cause = innermost(thrown);
  const detail = `kafka failed to ${what}: ${causeOf(thrown)}`;
  if (isRefusal(cause)) {
    if (/AUTHORIZATION_FAILED$/.test(cause.type)) return forbidden(brokerErrorId, detail, { cause });
    if (cause.type === "MESSAGE_TOO_LARGE") {
      return new MicroError({ id: brokerErrorId, code: 413, detail, reason: "too-large", cause });
    }
    return serviceUnavailable(brokerErrorId, detail, { cause });
  }
  if (isNamed(cause, "KafkaJSRequestTimeoutError")) {
    return timeout(brokerErrorId, `${detail}; the message may have arrived or not`, {
      reason: "timeout",
      cause,
    });
  }
  const lost = `${detail}; the message may have arrived or not`;
  return serviceUnavailable(brokerErrorId, lost, { reason: "connection-lost", cause });
}

export function causeOf(thrown: unknown): string {
  const cause = innermost(thrown);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The library tries again for longer than its callers want to wait. @throws Error after `limitMs` */
export async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms (timeoutMs)`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A topic or a group that was made a moment ago may have nobody yet that answers for it.
 *
 * @throws what `ask` throws after `limitMs`, and at once what another attempt doesn't mend
 */
export async function whenReady<Answer>(ask: () => Promise<Answer>, limitMs: number): Promise<Answer> {
  const stopAt = performance.now() + limitMs;
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      const cause = innermost(thrown);
      if (!isRefusal(cause) || /AUTHORIZATION_FAILED$/.test(cause.type) || performance.now() > stopAt)
        throw thrown;
      await pause(againMs);
    }
  }
}

/** Wait before a server is asked again, in milliseconds. */
const againMs = 200;

/** What a server answered instead of doing it; its code is the `type`. */
export function isRefusal(thrown: unknown): thrown is Error & { type: string } {
  return thrown instanceof Error && "type" in thrown && typeof thrown.type === "string";
}

/** By name: Node finds no classes but the first in the library's CommonJS. */
export function isNamed(thrown: unknown, name: string): thrown is Error {
  return thrown instanceof Error && thrown.name === name;
}

/** The library wraps what happened into what it did about it. */
export function innermost(thrown: unknown): unknown {
  const wrappers = ["KafkaJSNumberOfRetriesExceeded", "KafkaJSNonRetriableError"];
  const wraps = wrappers.some((name) => isNamed(thrown, name)) && thrown instanceof Error;
  return wraps && thrown.cause !== undefined ? innermost(thrown.cause) : thrown;
}
