import { MicroError, serviceUnavailable } from "../errors.ts";
import type { SendReport } from "./mdns-socket.ts";

export interface LookUpOptions {
  /** Puts the question to everybody. */
  readonly ask: () => Promise<SendReport>;
  /** How long further answers are awaited after the first, in milliseconds. */
  readonly collectMs: number;
  /** How long the first answer is awaited, and all that are expected, in milliseconds. */
  readonly timeoutMs: number;
  /** True when nobody is missing who is known to be there, or wanted. */
  readonly complete: () => boolean;
  readonly signal: AbortSignal | undefined;
}

/** One question to everybody, and the time in which answers are collected. */
export interface LookUp {
  /**
   * Resolves `collectMs` after the first answer, but not while `complete` is false; or after `timeoutMs`.
   * @throws MicroError 503 when the question left on no interface, 499 when the signal aborted.
   */
  readonly done: Promise<void>;
  /** There is one answer more. */
  answered(): void;
  /** Ends the look-up at once. */
  fail(error: Error): void;
}

/**
 * go-micro asks once and waits 100 ms in any case. A multicast packet may get lost, and a busy machine may
 * need longer: so the question is put again, at growing intervals, as long as there is no answer, and while a
 * node is missing that was there before.
 */
export function newLookUp({ ask, collectMs, timeoutMs, complete, signal }: LookUpOptions): LookUp {
  const startedAt = performance.now();
  let sent = 0;
  let failures: readonly string[] = [];
  let hasAnswer = false;
  /** The time for answers is over, and somebody is missing. */
  let waiting = false;
  let again: NodeJS.Timeout | undefined;
  let end: NodeJS.Timeout | undefined;
  let resolve: () => void;
  let reject: (error: Error) => void;
  const done = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });

  function askAndRepeat(intervalMs: number): void {
    again = setTimeout(() => askAndRepeat(intervalMs * 2), intervalMs);
    void ask().then((report) => {
      sent += report.sent;
      failures = report.failures;
    });
  }

  function answered(): void {
    if (waiting && complete()) finish();
    if (hasAnswer) return;
    hasAnswer = true;
    clearTimeout(again);
    clearTimeout(end);
    end = setTimeout(collected, collectMs);
  }

  function collected(): void {
    const leftMs = startedAt + timeoutMs - performance.now();
    if (complete() || leftMs <= 0) {
      finish();
      return;
    }
    waiting = true;
    end = setTimeout(finish, leftMs);
    askAndRepeat(collectMs);
  }

  function finish(): void {
    stop(hasAnswer || sent > 0 ? undefined : askedNobody(failures));
  }

  function abort(): void {
    const detail = "the look-up was cancelled";
    stop(
      new MicroError({
        id: "go.micro.registry",
        code: 499,
        detail,
        reason: "cancelled",
        cause: signal?.reason,
      }),
    );
  }

  function stop(error: Error | undefined): void {
    clearTimeout(again);
    clearTimeout(end);
    signal?.removeEventListener("abort", abort);
    if (error === undefined) resolve();
    else reject(error);
  }

  if (signal?.aborted) abort();
  else {
    signal?.addEventListener("abort", abort, { once: true });
    end = setTimeout(finish, timeoutMs);
    askAndRepeat(collectMs);
  }
  return { done, answered, fail: stop };
}

function askedNobody(failures: readonly string[]): Error {
  const reasons = failures.length === 0 ? "there is none" : failures.join(", ");
  return serviceUnavailable("go.micro.registry", `mdns could ask on no network interface: ${reasons}`, {
    reason: "connection-failed",
  });
}
