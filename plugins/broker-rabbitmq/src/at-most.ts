import { setTimeout as pause } from "node:timers/promises";

/** Resolves when `work` has settled, and after `ms` in any case: a server that doesn't answer holds nobody. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  const time = pause(ms, undefined, { signal: settled.signal });
  await Promise.race([work, time]).catch(() => {});
  settled.abort();
  await time.catch(() => {});
}
