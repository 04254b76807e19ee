/**
 * The signals that end a program, shared by all services of the process.
 */
import { constants } from "node:os";

/** As go-micro's (`util/signal/signal.go`). SIGQUIT never comes on Windows. */
const endingSignals = ["SIGTERM", "SIGINT", "SIGQUIT"] as const;

export type EndingSignal = (typeof endingSignals)[number];

type Listener = (signal: EndingSignal) => void;

const listeners = new Set<Listener>();
let first: { readonly signal: EndingSignal; readonly at: number } | undefined;

/**
 * Calls `listener` at the first signal. A second one ends the process at once, whoever is still stopping.
 * The result ends the listening; without listeners signals do again what they do by default.
 */
export function onEndingSignal(listener: Listener): () => void {
  if (listeners.size === 0) {
    first = undefined;
    for (const signal of endingSignals) process.on(signal, receive);
  }
  listeners.add(listener);
  if (first !== undefined) listener(first.signal);
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) {
      for (const signal of endingSignals) process.off(signal, receive);
    }
  };
}

/** What a shell reports for a process that this signal ended. */
export function exitCodeOf(signal: EndingSignal): number {
  return 128 + constants.signals[signal];
}

/** A terminal sends Ctrl-C to all its processes, and `npm start` passes it on once more: that is one signal. */
const echoMs = 100;

function receive(signal: EndingSignal): void {
  const at = performance.now();
  if (first === undefined) {
    first = { signal, at };
    for (const listener of [...listeners]) listener(signal);
  } else if (at - first.at > echoMs) {
    endProcess(signal, exitCodeOf(signal));
  }
}

/**
 * Ends a process that somebody has waited for long enough. `process.exit` waits for the threads of the file system, which
 * a mount that doesn't answer holds for ever: while one is at work, `signal` ends it, which is the same to a shell.
 */
export function endProcess(signal: EndingSignal, code: number | string | null | undefined): never {
  if (process.getActiveResourcesInfo().some((resource) => resource.startsWith("FSReq"))) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(code);
}
