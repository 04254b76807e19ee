import { PerformanceObserver } from "node:perf_hooks";
import { countsResponse, debugRequest, healthResponse } from "./debug-messages.ts";
import { newHandler } from "./handler.ts";
import type { Handler } from "./server.ts";

/** The answer of `Debug.Stats`, with go-micro's field names (`debug/service/proto/debug.proto`). */
export interface Stats {
  /** Now and the server's making, in seconds since 1970. */
  timestamp: number;
  started: number;
  /** Seconds. */
  uptime: number;
  /** Bytes of the JavaScript heap in use. */
  memory: number;
  /** Sockets, timers, files and requests that Node holds open: what comes nearest to goroutines. */
  threads: number;
  /** Nanoseconds the garbage collector paused the process, counted from the first question for statistics. */
  gc: number;
  requests: number;
  errors: number;
}

/**
 * The handler that every server has: `Debug.Health` and `Debug.Stats`. Not in the registry.
 *
 * `counts` is read when somebody asks, so that a call costs no more than two increments.
 */
export function newDebugHandler(counts: { readonly requests: number; readonly errors: number }): Handler {
  const started = Date.now();
  return newHandler(
    "Debug",
    {
      Health: () => ({ status: "ok" }),
      Stats: (): Stats => {
        const now = Date.now();
        return {
          timestamp: Math.floor(now / 1_000),
          started: Math.floor(started / 1_000),
          uptime: Math.floor((now - started) / 1_000),
          memory: process.memoryUsage().heapUsed,
          threads: process.getActiveResourcesInfo().length,
          gc: gcPauseNs(),
          requests: counts.requests,
          errors: counts.errors,
        };
      },
    },
    {
      internal: true,
      endpoints: {
        Health: { requestType: debugRequest, responseType: healthResponse },
        Stats: { requestType: debugRequest, responseType: statsResponse },
      },
    },
  );
}

/** In the order of their fields in protobuf. */
const statsResponse = countsResponse<keyof Stats>([
  "timestamp",
  "started",
  "uptime",
  "memory",
  "threads",
  "gc",
  "requests",
  "errors",
]);

let pauses: { ns: number } | undefined;

/** One observer for the process, made when first asked for: nobody pays for statistics that are not read. */
function gcPauseNs(): number {
  if (pauses === undefined) {
    const total = { ns: 0 };
    pauses = total;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) total.ns += Math.round(entry.duration * 1e6);
    }).observe({ entryTypes: ["gc"] });
  }
  return pauses.ns;
}
