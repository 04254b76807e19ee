import { setTimeout as pause } from "node:timers/promises";
import type { PoolClient } from "pg";
import { type Logger, type MicroError, serviceUnavailable } from "ts-micro";
import { storeId } from "ts-micro/store";
import { failureOf } from "./failure.ts";
import type { Settings } from "./options.ts";
import { openPrimary, type Primary } from "./primary.ts";

/** Whichever of the servers is the primary, found when it is needed. */
export interface Servers {
  /**
   * What surely wasn't done is tried on each further server; with `isRead` also what was interrupted.
   * @throws MicroError 503, 408 after `timeoutMs`, 401 when the credentials are refused
   */
  run<T>(work: (client: PoolClient) => Promise<T>, options?: { isRead?: boolean }): Promise<T>;
  close(): Promise<void>;
}

export function newServers({ servers, poolSize, timeoutMs }: Settings, logger: Logger): Servers {
  const primaryOptions = { poolSize, connectTimeoutMs: timeoutMs / servers.length, logger };
  let present: Primary | undefined;
  let opening: Promise<Primary> | undefined;
  /** Where the search for a primary begins. */
  let first = 0;

  function primary(): Primary | Promise<Primary> {
    if (present !== undefined) return present;
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  }

  async function open(): Promise<Primary> {
    const failures: MicroError[] = [];
    for (let turn = 0; turn < servers.length; turn++) {
      const at = (first + turn) % servers.length;
      const server = servers[at]!;
      try {
        present = await openPrimary(server, primaryOptions);
        first = at;
        return present;
      } catch (error) {
        failures.push(failureOf(error, server.hostPort).error);
      }
    }
    const [one, ...others] = failures;
    if (one !== undefined && one.code !== 503 && others.every(({ code }) => code === one.code)) throw one;
    const details = failures.map(({ detail }) => detail);
    throw serviceUnavailable(storeId, details.join("; "), { reason: "connection-failed" });
  }

  /** The next operation looks for a primary again. */
  function drop(used: Primary): void {
    if (present === used) present = undefined;
    void used.end();
  }

  return {
    async run(work, { isRead = false } = {}) {
      const startedAt = performance.now();
      for (let attempt = 0; ; attempt++) {
        const used = await primary();
        try {
          return await used.use(Math.max(1, startedAt + timeoutMs - performance.now()), work);
        } catch (thrown) {
          const { error, isOutage, isUndone, isTableGone } = failureOf(thrown, used.server.hostPort);
          // A server that answers others is slow, but there.
          const isBusy = error.reason === "timeout" && used.answeredAt > startedAt;
          if (isTableGone || (isOutage && !isBusy)) drop(used);
          const mayTry = (isUndone || isRead) && (isOutage || isTableGone);
          const isLate = performance.now() >= startedAt + timeoutMs;
          if (!mayTry || isLate || attempt >= servers.length) throw error;
        }
      }
    },
    async close() {
      const last = present ?? (await opening?.catch(() => undefined));
      present = undefined;
      // A server that is silent doesn't answer the goodbye.
      if (last !== undefined) await Promise.race([last.end(), pause(1_000, undefined, { ref: false })]);
    },
  };
}
